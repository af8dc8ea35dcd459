package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/safetensors"
	"nashprune/trainer/record"
)

// playedRun is a run of the market with participations in its rounds.
func playedRun() *Run {
	run := marketRun()
	for k := range run.Rounds {
		for _, gate := range run.Result.Gates {
			present, s := []int(nil), []float64(nil)
			for i := range gate.Players - k {
				present, s = append(present, i), append(s, float64(i+1)/float64(gate.Players))
			}
			run.Rounds[k].Participations = append(run.Rounds[k].Participations, record.NewParticipations(gate.Players, present, s))
		}
	}
	return run
}

// pageOf returns the report on folders, after checking that every plot is XML with a table.
func pageOf(t *testing.T, folders ...*Folder) string {
	t.Helper()
	var b bytes.Buffer
	if err := Page(&b, folders); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, svg := range regexp.MustCompile(`(?s)<svg xmlns.*?</svg>`).FindAllString(text, -1) {
		for decoder := xml.NewDecoder(strings.NewReader(svg)); ; {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("not XML: %v in %.200s", err, svg)
			}
		}
	}
	for _, wrong := range []string{"NaN", "Inf", `="-0"`, "%!", "ZgotmplZ"} {
		if strings.Contains(text, wrong) {
			at := strings.Index(text, wrong)
			t.Errorf("the page contains %q: %s", wrong, text[max(0, at-100):at+20])
		}
	}
	for _, url := range regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		if !strings.HasPrefix(url[1], "data:") && !strings.HasPrefix(url[1], "#") {
			t.Errorf("the page asks for %.100s", url[1])
		}
	}
	if plots, tables := strings.Count(text, "<figure "), strings.Count(text, "<table>"); tables < plots {
		t.Errorf("%d plots have %d tables", plots, tables)
	}
	return text
}

func plotsOf(text string) (ids []string) {
	for _, m := range regexp.MustCompile(`<figure id="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		ids = append(ids, m[1])
	}
	return ids
}

// TestPage: a report has the plots for which there are numbers, what comes out in its first
// lines, and the same bytes each time.
func TestPage(t *testing.T) {
	market, ranked := &Folder{Run: *withCertificate(playedRun()), Dir: "runs/one", Finished: true}, &Folder{Run: *playedRun(), Dir: "runs/two", Finished: true}
	ranked.Result.Pruned.Criterion, ranked.Result.Equilibrium = game.Magnitude, nil
	for i := range ranked.Rounds {
		ranked.Rounds[i].Cuts, ranked.Rounds[i].Prices, ranked.Rounds[i].Supply = ranked.Rounds[i].Prices, nil, nil
	}
	text := pageOf(t, market)
	if got, want := plotsOf(text), strings.Fields("run0-accuracy run0-loss run0-size run0-widths run0-participation run0-histogram run0-price run0-supply run0-worth run0-confusion"); !slices.Equal(got, want) {
		t.Errorf("plots %v, want %v", got, want)
	}
	for _, want := range []string{"2.6 times smaller", "4.7 times faster", "−2.92 points", "Is the game in equilibrium? Yes: ", "Are the kept players the best choice for the network? ", "nashprune train --keep 5", "nashprune explain says"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if pageOf(t, market) != text {
		t.Error("the same run gave two pages")
	}
	both := pageOf(t, market, ranked, &Folder{Run: *offRun(), Dir: "runs/off", Finished: true}, &Folder{Run: *paperRun(), Dir: "runs/paper", Finished: true})
	ids := plotsOf(both)
	for _, want := range []string{"front", "run0-price", "run1-supply", "run2-accuracy", "run3-worth"} {
		if !slices.Contains(ids, want) {
			t.Errorf("the page of four runs lacks %s: %v", want, ids)
		}
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != strings.Count(both, "<figure ") {
		t.Error("two plots have one name")
	}
	if slices.Contains(ids, "run1-price") {
		t.Error("a ranking has prices")
	}
}

// TestFrontOfPerfectRuns: no accuracy on the axis is above 100 %.
func TestFrontOfPerfectRuns(t *testing.T) {
	one := &Folder{Run: *playedRun(), Dir: "runs/one", Finished: true}
	one.Result.Dense.Accuracy, one.Result.Pruned.Accuracy = of(100.0), of(100.0)
	if front := string(frontFigure([]*Folder{one}).SVG); strings.Contains(front, ">102<") || strings.Contains(front, ">110<") || !strings.Contains(front, ">99") {
		t.Error(front)
	}
}

// TestFacts: the page has the times in another program, what became of columns, and notes.
func TestFacts(t *testing.T) {
	f := &Folder{Run: *playedRun(), Dir: "runs/one", Finished: true}
	f.Result.Runtime = &record.Runtime{Name: "ONNX Runtime", Version: "1.0", Latencies: []record.RuntimeLatency{{Batch: 7, DenseUS: 1200, PrunedUS: 400}}}
	f.Result.Data.Columns = []dataset.ColumnUse{{Name: "town", Use: "2 levels"}, {Name: "age", Use: dataset.PlainUse}}
	f.Result.Data.Notes = []string{"a column counts the rows"}
	text := pageOf(t, f)
	for _, want := range []string{
		"<p>Time for 7 in ONNX Runtime 1.0, on one thread of the CPU: 1,200 us became 400 us, 3.0 times faster.</p>",
		"<p>Column town: 2 levels.</p>", "<p>Note: a column counts the rows.</p>",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(text, "Column age") {
		t.Error("the page lists a column that is a number as it stands")
	}
}

// TestPageOfOddRuns: what is empty, single, huge or not a number makes a page all the same.
func TestPageOfOddRuns(t *testing.T) {
	for name, change := range map[string]func(*Folder){
		"unfinished":      func(f *Folder) { f.Finished, f.Result = false, record.Result{} },
		"no lines at all": func(f *Folder) { f.Epochs, f.Rounds, f.Players = nil, nil, nil },
		"one epoch":       func(f *Folder) { f.Config.Epochs, f.Epochs = 1, f.Epochs[:1] },
		"a round":         func(f *Folder) { f.Rounds = f.Rounds[:1] },
		"no epochs":       func(f *Folder) { f.Config.Epochs, f.Epochs = 0, nil },
		"many epochs": func(f *Folder) {
			f.Config.Epochs = 10_000
			for epoch := range f.Config.Epochs {
				f.Epochs = append(f.Epochs, record.EpochLine{Training: record.GameTraining, Epoch: epoch + 1, Accuracy: of(float64(epoch % 100))})
			}
		},
		"many players": func(f *Folder) {
			for i := range 9000 {
				f.Players = append(f.Players, record.Player{Index: i, Worth: 1 / float64(i+1), Price: 0.1, Reason: game.PricedOut, Epoch: 1})
			}
		},
		"worths of zero": func(f *Folder) {
			for i := range f.Players {
				f.Players[i].Worth, f.Players[i].Price = 0, 0
			}
		},
		"odd worths": func(f *Folder) {
			f.Players[0].Worth, f.Players[1].Price, f.Players[2].Worth = math.MaxFloat64, -1, math.SmallestNonzeroFloat64
		},
		"large gates": func(f *Folder) {
			for k := range f.Rounds {
				for g := range f.Rounds[k].Participations {
					f.Rounds[k].Participations[g].Levels = nil
				}
			}
		},
		"no latency": func(f *Folder) { f.Result.Dense.LatencyUS, f.Result.Pruned.LatencyUS = 0, 0 },
		"odd names": func(f *Folder) {
			f.Result.Data.Name, f.Result.Gates[0].Name, f.Dir = "]]>\x00\xff<script>&amp;", "<script>alert(1)</script>", "\"><img src=x>"
			f.Result.Command = "</pre><script>"
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := &Folder{Run: *playedRun(), Dir: "run", Finished: true}
			change(f)
			text := pageOf(t, f, &Folder{Run: *playedRun(), Dir: "other", Finished: true})
			if strings.Contains(text, "<script>alert") || strings.Contains(text, "<img") || strings.Count(text, "<script>") != 1 {
				t.Error("a name became a part of the page")
			}
			const most = 3 << 20 // that may be sent
			if len(text) > most {
				t.Errorf("the page has %d bytes", len(text))
			}
		})
	}
	f := manyGates(&Folder{Dir: "run", Finished: true}, 64)
	pageOf(t, f)
}

// manyGates makes a run of so many gates of nine players.
func manyGates(f *Folder, gates int) *Folder {
	f.Run = *ofLayers(gates)
	f.Result.Gates = nil
	for range gates {
		f.Result.Gates = append(f.Result.Gates, record.Gate{Name: "layer4.1.conv2.with.a.long.name", Kind: "channels", Players: 9, Kept: 3})
	}
	return f
}

// TestReadFolder: of a folder in which a file is missing or damaged all else is read, and the
// file is named.
func TestReadFolder(t *testing.T) {
	write := func(t *testing.T) string {
		run := withCertificate(playedRun())
		dir := writeRun(t, run)
		var text bytes.Buffer
		if err := errors.Join(run.Certificate.Write(&text), os.WriteFile(filepath.Join(dir, record.CertificateFile), text.Bytes(), 0o644)); err != nil {
			t.Fatal(err)
		}
		g, err := network.MLP([]int{13, 3, 2, 3}, network.ReLU, []network.PlayerKind{network.Neurons})
		if err != nil {
			t.Fatal(err)
		}
		metadata := safetensors.Metadata{Data: "x", Channels: 1, Height: 1, Width: 13, Classes: 3, Deviation: 1, Generator: "nashprune test"}
		if err := safetensors.SaveModel(filepath.Join(dir, record.PrunedFile), network.New(g), metadata); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	whole, err := ReadFolder(write(t))
	if err != nil || whole.Missing != nil || whole.Pruned == nil || whole.Certificate == nil || len(whole.Rounds) != 4 || whole.Rounds[0].Participations == nil {
		t.Fatalf("%v, missing %q", err, whole.Missing)
	}
	for _, file := range []string{record.ConfigFile, record.ResultFile, record.MetricsFile, record.PlayersFile, record.CertificateFile, record.PrunedFile} {
		for how, damage := range map[string]func(path string) error{
			"removed": os.Remove,
			"cut": func(path string) error {
				info, err := os.Stat(path)
				return errors.Join(err, os.Truncate(path, info.Size()*3/4))
			},
			"overwritten": func(path string) error { return os.WriteFile(path, []byte("{]\x00"), 0o644) },
		} {
			dir := write(t)
			if err := damage(filepath.Join(dir, file)); err != nil {
				t.Fatal(err)
			}
			f, err := ReadFolder(dir)
			if err != nil {
				t.Errorf("%s %s: %v", file, how, err)
				continue
			}
			if file == record.ConfigFile && how == "cut" { // what is left may be whole lines
				continue
			}
			if len(f.Missing) == 0 || !strings.Contains(f.Missing[0], file) {
				t.Errorf("%s %s: missing %q", file, how, f.Missing)
			}
			text := pageOf(t, f)
			if !strings.Contains(text, "What is not here") || !strings.Contains(text, file) {
				t.Errorf("%s %s: the page does not say so", file, how)
			}
			if file != record.MetricsFile && len(f.Epochs) != 10 || file == record.MetricsFile && how == "cut" && len(f.Epochs) == 0 {
				t.Errorf("%s %s: %d epochs are read", file, how, len(f.Epochs))
			}
		}
	}
	if _, err := ReadFolder(t.TempDir()); err == nil {
		t.Error("an empty folder is that of a run")
	}
}
