//go:build unix

package bench

import (
	"context"
	"testing"

	_ "nashprune/cpu_fallback"
	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/record"
	"nashprune/trainer/session"
	"nashprune/trainer/settings"
)

type silent struct{}

func (silent) EpochEnded(*session.Training, record.EpochLine) error { return nil }
func (silent) StretchEnded(*session.Training, int) error            { return nil }
func (silent) RoundEnded(*session.Training, record.RoundLine) error { return nil }

// BenchmarkWeightRounds says what part of the processor time of a training of 784-512-256-10 on
// 60,000 samples its rounds take, with 535,818 parameters and 40 rounds in 20 epochs: that of a
// stretch with a round less that of one without, over the whole.
func BenchmarkWeightRounds(b *testing.B) {
	for _, metric := range game.Metrics {
		b.Run(string(metric), func(b *testing.B) { benchmarkWeightRounds(b, metric) })
	}
}

func benchmarkWeightRounds(b *testing.B, metric game.Metric) {
	const samples, batch, between = 60000, 128, 94 // steps between two rounds
	g, err := network.MLP([]int{784, 512, 256, 10}, network.ReLU, []network.PlayerKind{network.Weights})
	if err != nil {
		b.Fatal(err)
	}
	c := settings.Default()
	c.Model, c.Players, c.WeightWorth, c.Batch = "mlp:512-256", "weights", metric, batch
	c.WarmUp, c.GameShare = 0, 0.4
	if c, err = c.ResolveFor(g.MarketWidths()); err != nil {
		b.Fatal(err)
	}
	p, err := session.NewPlan(c, game.MarketGame, g, samples, session.Given{})
	if err != nil {
		b.Fatal(err)
	}
	data := dataset.Noise(samples, 784, 10)
	n := network.New(g)
	if err := n.Initialise(network.PyTorch, 1); err != nil {
		b.Fatal(err)
	}
	device, err := backend.FindDevice("cpu")
	if err != nil {
		b.Fatal(err)
	}
	engine, err := device.Open(data, backend.EngineOptions{Batch: batch, Optimiser: c.UpdateRule(), Valuation: c.Worth}, &backend.State{Network: n})
	if err != nil {
		b.Fatal(err)
	}
	defer engine.Close()
	t := &session.Training{Name: "game", Plan: p, Engine: engine, Data: data, Journal: silent{}, Position: session.Start(p)}
	var rounds, steps float64
	for b.Loop() {
		start := processorTime()
		s := backend.Stretch{Order: backend.InOrder(8 * batch), LearningRates: []float64{1e-4, 1e-4, 1e-4, 1e-4, 1e-4, 1e-4, 1e-4, 1e-4}}
		if _, err := engine.Train(context.Background(), s); err != nil {
			b.Fatal(err)
		}
		middle := processorTime()
		if err := t.PlayRound(1); err != nil {
			b.Fatal(err)
		}
		steps += (middle - start).Seconds() / 8
		rounds += (processorTime() - middle).Seconds()
	}
	b.ReportMetric(1e3*steps/float64(b.N), "ms/step")
	b.ReportMetric(1e3*rounds/float64(b.N), "ms/round")
	b.ReportMetric(100*0.4*rounds/(rounds*0.4+steps*between), "share-%")
}
