package cost

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nashprune/trainer/backend"
	"nashprune/trainer/network"
	"nashprune/trainer/random"
)

func testLatencyModel() *Model {
	return &Model{
		Device: "a device", Batch: 128, Base: 40, PerMAC: []float64{1e-3, 2e-3, 5e-4}, PerNeuron: []float64{0.25, 0.5}, Shapes: 26,
	}
}

// steppedModel is a device that works on 64 columns at a time.
func steppedModel() *Model {
	m := testLatencyModel()
	m.Step, m.PerStep = 32, []float64{0.1, 0, 0.2, 0, 0.3, 0, 0.4, 0, 0.5, 0, 0.6, 0, 0.7, 0, 0.8, 0}
	return m
}

func TestLatencyModelByHand(t *testing.T) {
	for _, c := range []struct {
		model  *Model
		widths []int
		want   float64
	}{
		{testLatencyModel(), []int{10, 3, 2, 4}, 40 + 30e-3 + 12e-3 + 4e-3 + 0.75 + 1},
		// The inputs of all layers pay for the first step, those of the widest for two more.
		{steppedModel(), []int{10, 64, 65, 4}, 40 + 640e-3 + 2*4160e-3 + 130e-3 + 16 + 32.5 + 0.1*(10+64+65) + 0.2*64},
	} {
		if got := timeOf(c.model, c.widths...); math.Abs(got-c.want) > 1e-13 { // a few operations
			t.Errorf("%v: %g us, want %g", c.widths, got, c.want)
		}
	}
}

// TestLatencyModelIsFound: times that a model gives are fitted by it, with steps or
// without, and times with a relative noise of 3 % to about that: of 48 errors the
// coefficients take up to 22 freedoms. The fit does not know whether there are steps.
func TestLatencyModelIsFound(t *testing.T) {
	whole := initialised(t, 784, 512, 256, 10)
	parts, err := latencyParts(whole, 1)
	if err != nil {
		t.Fatal(err)
	}
	var loads [][]network.Load
	for _, n := range parts {
		loads = append(loads, n.Loads(n.Sizes()))
	}
	if len(parts) != modelShapes+2 || !slices.Equal(parts[0].Widths(), []int{512, 256}) || !slices.Equal(parts[1].Widths(), []int{2, 2}) {
		t.Fatalf("%d parts, the first with %v and %v players", len(parts), parts[0].Widths(), parts[1].Widths())
	}
	for name, want := range map[string]*Model{"smooth": testLatencyModel(), "steps": steppedModel()} {
		for _, noise := range []float64{0, 0.03} {
			draw := random.New(1, random.Testing, 0, 0)
			var times []float64
			for _, l := range loads {
				times = append(times, want.timeOf(l)*(1+noise*draw.Normal()))
			}
			m := fitting{whole.Alike(), loads, times}.model()
			if err := m.Check(whole.Graph); err == nil && m.Shapes == len(loads) {
				t.Errorf("%s: a model of no batch passes", name) // the batch is filled in by MeasureModel
			}
			if m.Error > 1.5*noise+1e-4 || m.MaxError < m.Error { // the search ends at 1e-10 of the scaled coefficients, whose problem is ill conditioned
				t.Errorf("%s, noise %g: error %g, at most %g", name, noise, m.Error, m.MaxError)
			}
			for _, w := range [][]int{{784, 100, 50, 10}, {784, 300, 20, 10}, {784, 64, 40, 10}} {
				if off := math.Abs(timeOf(m, w...)/timeOf(want, w...) - 1); off > 3*noise+1e-3 { // with steps 300 neurons are estimated from the few shapes with about as many
					t.Errorf("%s, noise %g: %v takes %g us instead of %g", name, noise, w, timeOf(m, w...), timeOf(want, w...))
				}
			}
			if name == "steps" {
				within := timeOf(m, 784, 64, 50, 10) / timeOf(m, 784, 40, 50, 10)
				over := timeOf(m, 784, 72, 50, 10) / timeOf(m, 784, 64, 50, 10)
				if m.Step != 32 || within > 1.2 || over < 1.5 { // 1.10 and 1.59 of the model that is sought
					t.Errorf("noise %g: 24 neurons more cost a factor of %g within a step, and 8 of %g where one begins: %+v", noise, within, over, m)
				}
			}
		}
	}
}

// TestLatencyModelsAreMonotone: with any measurements, a wider network is not faster.
func TestLatencyModelsAreMonotone(t *testing.T) {
	draw := random.New(2, random.Testing, 0, 0)
	for range 50 {
		g := perceptron(7, 32, 32, 3)
		var widths [][]int
		var loads [][]network.Load
		var times []float64
		for range 20 {
			w := []int{2 + int(draw.Below(30)), 2 + int(draw.Below(30))}
			widths, loads = append(widths, w), append(loads, g.Loads(g.SizesWith(w)))
			times = append(times, math.Exp(2*draw.Normal()))
		}
		m := fitting{g.Alike(), loads, times}.model()
		for _, w := range widths {
			for l := range w {
				wider := slices.Clone(w)
				wider[l]++
				if m.Time(g, wider) < m.Time(g, w) {
					t.Fatalf("%+v: %v takes %g us and %v %g", m, w, m.Time(g, w), wider, m.Time(g, wider))
				}
			}
		}
	}
}

// TestNonNegativeLeastSquares checks the conditions of Karush, Kuhn and Tucker: the
// gradient is zero where a coefficient is positive and not negative where it is zero.
func TestNonNegativeLeastSquares(t *testing.T) {
	draw := random.New(3, random.Testing, 0, 0)
	zeros := 0
	for range 100 {
		rows, want := make([][]float64, 9), make([]float64, 9)
		for i := range rows {
			want[i] = draw.Normal()
			for range 4 {
				rows[i] = append(rows[i], draw.Normal())
			}
			rows[i] = append(rows[i], 0) // says nothing
		}
		x := nonNegativeLeastSquares(rows, want)
		if x[4] != 0 {
			t.Fatalf("a column of zeros gets %g", x[4])
		}
		for j := range x {
			gradient := 0.
			for i, row := range rows {
				rest := -want[i]
				for k := range x {
					rest += row[k] * x[k]
				}
				gradient += row[j] * rest
			}
			// The search stops at steps of 1e-10 of columns of length about 3.
			if x[j] < 0 || gradient < -1e-8 || x[j] > 0 && gradient > 1e-8 {
				t.Fatalf("x[%d] = %g with the gradient %g", j, x[j], gradient)
			}
			if x[j] == 0 && gradient > 0 {
				zeros++
			}
		}
	}
	if zeros < 50 {
		t.Errorf("only %d bounds were met: the test shows little", zeros)
	}
}

func TestMeasureLatencyModel(t *testing.T) {
	whole := initialised(t, testWidths...)
	e := new(noted)
	m, err := MeasureModel(context.Background(), e, "scripted", 60, whole, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Check(whole.Graph); err != nil || m.Batch != 60 || m.Device != "scripted" {
		t.Errorf("%+v, %v", m, err)
	}
	if pushes := strings.Count(strings.Join(e.calls, " "), "push"); pushes != modelTurns.most*(modelShapes+2) {
		t.Errorf("%d pushes", pushes)
	}
	for _, call := range []string{"push", "infer"} {
		if _, err := MeasureModel(context.Background(), &noted{fail: call}, "", 60, whole, 1); !errors.Is(err, errNoted) {
			t.Errorf("%s fails: %v", call, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := MeasureModel(ctx, e, "", 60, whole, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

func TestReadLatencyModel(t *testing.T) {
	const model = `{"device":"d","batch":128,"base_us":5,"per_mac_us":[1,2],"per_neuron_us":[3],"shapes":26,"error":0.1,"max_error":0.2}`
	for name, c := range map[string]struct {
		text, word string
	}{
		"alone":       {`{"latency_model":` + model + `}`, ""},
		"a result":    {`{"schema":1,"market":{"resource":"latency","latency_model":` + model + `}}`, ""},
		"no model":    {`{"schema":1}`, "there is no latency_model"},
		"no JSON":     {`{`, "JSON"},
		"other depth": {`{"latency_model":` + strings.Replace(model, "[1,2]", "[1,2,3]", 1) + `}`, "3 nodes with parameters"},
		"negative":    {`{"latency_model":` + strings.Replace(model, "[1,2]", "[1,-2]", 1) + `}`, "-2 is no time"},
		"too large":   {`{"latency_model":` + strings.Replace(model, "[1,2]", "[1,1e300]", 1) + `}`, "no time"},
		"a bad step":  {`{"latency_model":` + strings.Replace(model, `"shapes"`, `"step":8,"per_step_us":[-1],"shapes"`, 1) + `}`, "-1 is no time"},
		"steps of 0":  {`{"latency_model":` + strings.Replace(model, `"shapes"`, `"per_step_us":[1],"shapes"`, 1) + `}`, "1 steps, 0 units apart"},
		"many steps":  {`{"latency_model":` + strings.Replace(model, `"shapes"`, `"step":8,"per_step_us":[0`+strings.Repeat(",0", mostSteps)+`],"shapes"`, 1) + `}`, "17 steps"},
		"a long file": {`{"latency_model":` + model + `}` + strings.Repeat(" ", maxModel), "more than 16 MiB"},
		"no batch":    {`{"latency_model":` + strings.Replace(model, "128", "0", 1) + `}`, "batches of 0"},
	} {
		path := filepath.Join(t.TempDir(), "model.json")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := ReadModel(path, perceptron(1, 1, 1))
		if c.word == "" {
			if err != nil || timeOf(m, 1, 1, 1) != 5+1+2+3 {
				t.Errorf("%s: %+v, %v", name, m, err)
			}
		} else if !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), c.word) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ReadModel(filepath.Join(t.TempDir(), "none"), perceptron(1, 1, 1)); !errors.Is(err, backend.ErrUsage) {
		t.Errorf("no file: %v", err)
	}
}

// FuzzLatencyModel: a model that passes is monotone and finite.
func FuzzLatencyModel(f *testing.F) {
	f.Add([]byte(`{"latency_model":{"batch":1,"base_us":5,"per_mac_us":[1,2],"per_neuron_us":[3],"shapes":2}}`))
	f.Add([]byte(`{"latency_model":{"batch":1,"per_mac_us":[1,2],"per_neuron_us":[3],"step":32,"per_step_us":[1,0,2],"shapes":2}}`))
	f.Add([]byte(`{"market":{"latency_model":{"batch":1}}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parseModel(text)
		if err != nil || m.Check(perceptron(3, 2, 2)) != nil {
			return
		}
		if us := timeOf(m, 3, 2, 2); !(us >= m.Base) || math.IsInf(us, 0) {
			t.Errorf("%+v takes %g us", m, us)
		}
	})
}
