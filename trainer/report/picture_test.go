package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer/record"
)

// draw returns a run's picture, after checking that it is XML from end to end.
func draw(t *testing.T, run *Run) string {
	t.Helper()
	var b bytes.Buffer
	if err := Picture(&b, run); err != nil {
		t.Fatal(err)
	}
	decoder := xml.NewDecoder(bytes.NewReader(b.Bytes()))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return b.String()
		} else if err != nil {
			t.Fatalf("not XML: %v", err)
		}
	}
}

// ofLayers is a market run of so many hidden layers of 9 players, in which only
// the last layer keeps anybody.
func ofLayers(layers int) *Run {
	run := marketRun()
	start, end := []int{784}, []int{784}
	for l := range layers {
		start, end = append(start, 9), append(end, l/(layers-1+1/layers))
	}
	run.Result.Dense.Shape, run.Result.Pruned.Shape = append(start, 10), append(end, 10)
	run.Players = nil
	for i := range run.Rounds {
		r := &run.Rounds[i]
		r.Demand, r.Prices, r.Supply, r.Players = end[1:layers+1], make([]float64, layers), make([]float64, layers), start[1:layers+1]
	}
	return run
}

func TestPictureOfOddRuns(t *testing.T) {
	changed := func(run *Run, change func(*Run)) *Run {
		change(run)
		return run
	}
	for name, run := range map[string]*Run{
		"one layer":       ofLayers(1),
		"eight layers":    ofLayers(8),
		"sixty-four":      ofLayers(64),
		"no lines at all": changed(marketRun(), func(r *Run) { r.Epochs, r.Rounds, r.Players = nil, nil, nil }),
		"one epoch": changed(marketRun(), func(r *Run) {
			r.Config.Epochs, r.Epochs = 1, r.Epochs[:1]
		}),
		"a hundred thousand epochs": changed(marketRun(), func(r *Run) {
			r.Config.Epochs = 100_000
			for epoch := range r.Config.Epochs {
				r.Epochs = append(r.Epochs, record.EpochLine{Training: record.GameTraining, Epoch: epoch + 1, Accuracy: of(float64(epoch % 100))})
			}
		}),
		"no player stays": changed(paperRun(), func(r *Run) { r.Result.Pruned.Shape = []int{13, 0, 0, 3} }),
		"no player was": changed(paperRun(), func(r *Run) {
			r.Players, r.Result.Dense.Shape, r.Result.Pruned.Shape = nil, []int{0, 0, 0}, []int{0, 0, 0}
		}),
		"no latency": changed(marketRun(), func(r *Run) { r.Result.Dense.LatencyUS, r.Result.Pruned.LatencyUS = 0, 0 }),
		"no warm-up": changed(marketRun(), func(r *Run) { r.Config.WarmUp, r.Config.GameShare = 0, 0.01 }),
		"all game":   changed(marketRun(), func(r *Run) { r.Config.WarmUp, r.Config.GameShare = 0, 1 }),
		"perfect": changed(marketRun(), func(r *Run) {
			r.Epochs, r.Result.Dense.Accuracy, r.Result.Pruned.Accuracy = nil, of(100), of(100)
		}),
		"hopeless": changed(marketRun(), func(r *Run) { r.Result.Pruned.Accuracy = of(0) }),
		"huge":     changed(marketRun(), func(r *Run) { r.Result.Dense.Parameters, r.Result.Dense.LatencyUS = math.MaxInt, maxLatency }),
		"odd names": changed(marketRun(), func(r *Run) {
			r.Result.Data.Name, r.Result.Device.Name = "]]>\x00\xff<script>&amp;", strings.Repeat("\"ü'", 100)
		}),
		"no game": offRun(),
	} {
		t.Run(name, func(t *testing.T) {
			run.Result.Gates = nil
			for l := range len(run.Result.Dense.Shape) - 2 {
				run.Result.Gates = append(run.Result.Gates, record.Gate{Name: strconv.Itoa(2 * l)})
			}
			picture := draw(t, run)
			for _, wrong := range []string{"NaN", "Inf", `="-0"`, "<script", "%!"} {
				if strings.Contains(picture, wrong) {
					t.Errorf("the picture contains %q", wrong)
				}
			}
			const most = 1 << 17 // bytes: more than a page should load for a picture
			if len(picture) > most {
				t.Errorf("the picture has %d bytes, more than %d", len(picture), most)
			}
			if draw(t, run) != picture {
				t.Error("the same run gave two pictures")
			}
		})
	}
}

func TestPictureRefuses(t *testing.T) {
	for name, change := range map[string]func(*Run){
		"nothing":            func(r *Run) { *r = Run{} },
		"no shape":           func(r *Run) { r.Result.Dense.Shape = nil },
		"negative width":     func(r *Run) { r.Result.Pruned.Shape[1] = -1 },
		"other layers":       func(r *Run) { r.Result.Pruned.Shape = []int{13, 3} },
		"no accuracy":        func(r *Run) { r.Result.Pruned.Accuracy = nil },
		"accuracy NaN":       func(r *Run) { r.Result.Pruned.Accuracy = of(math.NaN()) },
		"accuracy 101":       func(r *Run) { r.Result.Dense.Accuracy = of(101) },
		"latency infinite":   func(r *Run) { r.Result.Dense.LatencyUS = math.Inf(1) },
		"epoch 6 of 5":       func(r *Run) { r.Epochs[0].Epoch = 6 },
		"epoch NaN":          func(r *Run) { r.Epochs[0].Accuracy = of(math.NaN()) },
		"round 5 of 4":       func(r *Run) { r.Rounds[0].Round = 5 },
		"round of a layer":   func(r *Run) { r.Rounds[0].Players = []int{1} },
		"negative demand":    func(r *Run) { r.Rounds[0].Demand[0] = -1 },
		"player of no layer": func(r *Run) { r.Players[0].Layer = 2 },
		"unknown reason":     func(r *Run) { r.Players[0].Reason = game.Reason("bored") },
		"warm-up NaN":        func(r *Run) { r.Config.WarmUp = math.NaN() },
		"no rounds":          func(r *Run) { r.Config.Rounds = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			run := marketRun()
			change(run)
			var b bytes.Buffer
			if err := Picture(&b, run); err == nil || b.Len() > 0 {
				t.Errorf("the error is %v after %d bytes, want one before any", err, b.Len())
			}
		})
	}
}

// TestCountsLeaveRoomForTheirRow: a count of parameters ends where its column does, and
// the name of its row is in front of it.
func TestCountsLeaveRoomForTheirRow(t *testing.T) {
	const column, gap = denseRoom, 2
	for _, n := range []int{0, 535_818, 999_999, 1_863_690, 9_994_999, 9_999_999, 10_000_000, 4_294_967_296} {
		if name, count := textWidth("parameters", textSize), textWidth(brief(n), textSize); name+gap+count > column {
			t.Errorf("%q takes %.0f of the %d pixels beside a name of %.0f", brief(n), count, column, name)
		}
	}
	for _, change := range []string{
		points(-11.4), points(9.994), points(100), timesSign(times(99.94, 1, "faster", "slower")),
		timesSign(times(207.3, 1., "faster", "slower")), timesSign(times(1., 1234., "faster", "slower")),
	} {
		if room := networkRight - networkLeft - prunedRoom - gap; textWidth(change, textSize) > float64(room) {
			t.Errorf("%q takes %.0f of %d pixels", change, textWidth(change, textSize), room)
		}
	}
	for n, want := range map[int]string{999_999: "999,999", 1_863_690: "1.86 M", 12_345_678: "12.3 M"} {
		if got := brief(n); got != want {
			t.Errorf("%d is written %q, want %q", n, got, want)
		}
	}
}
