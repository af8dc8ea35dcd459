package main

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer/record"
	"nashprune/trainer/report"
)

// viewsFolder holds what reads reports and event files, which "make views" installs. Tests change
// their folder.
var viewsFolder, _ = filepath.Abs(repository + "/testdata/views")

// seen is what browse.js prints of a report.
type seen struct {
	Problems []string   `json:"problems"` // of the console, of layout, and of axe-core
	Requests []string   `json:"requests"`
	Figures  []string   `json:"figures"`
	Chosen   *selection `json:"chosen"`  // after player 1 of gate 0 was chosen by the keyboard
	Clicked  *selection `json:"clicked"` // after a click on a mark
}

// selection is what a report shows of a player that is selected.
type selection struct {
	Player string   `json:"player"`
	Said   string   `json:"said"`
	Marked []string `json:"marked"`
}

// browse opens a page in Chromium, light and dark, 400 and 1600 pixels wide.
func browse(t *testing.T, file string) seen {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err == nil {
		_, err = os.Stat(filepath.Join(viewsFolder, "node_modules"))
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("Chromium or its driver is not installed: run make views")
	}
	cmd := exec.Command("node", filepath.Join(viewsFolder, "browse.js"), file, chromium)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var s seen
	if err := json.Unmarshal(out, &s); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return s
}

// TestReportInBrowser: the report of a run of images has every plot. It makes no request and
// no error, nothing leaves its place or covers another text, axe-core finds nothing, and a
// player that is selected is marked in the plots.
func TestReportInBrowser(t *testing.T) {
	atImages(t)
	succeed(t, train("--out", "one", "--baseline", "--epochs", "3", "--rounds", "4", "--keep", "6", "--validation", "0.2")...)
	s := browse(t, "one/report.html")
	for _, problem := range append(s.Problems, s.Requests...) {
		t.Error(problem)
	}
	want := strings.Fields("accuracy loss size widths participation histogram price supply worth weights confusion lost")
	for i, name := range want {
		want[i] = "run0-" + name
	}
	if !slices.Equal(s.Figures, want) {
		t.Errorf("plots %v, want %v", s.Figures, want)
	}
	if s.Chosen == nil || !strings.HasPrefix(s.Chosen.Said, "Player 0:1; worth ") || !slices.Contains(s.Chosen.Marked, "tr") {
		t.Errorf("choosing player 0:1 shows %+v", s.Chosen)
	}
	if s.Clicked == nil || !strings.HasPrefix(s.Clicked.Said, "Player "+s.Clicked.Player+"; ") || len(s.Clicked.Marked) < 3 {
		t.Errorf("a click shows %+v", s.Clicked)
	}
}

// TestReportOfSeveralRuns: runs stand beside each other, one of them stopped and without its
// result, one of the paper's game; the report names what is missing.
func TestReportOfSeveralRuns(t *testing.T) {
	atImages(t)
	for _, args := range [][]string{
		{"--out", "one", "--keep", "6"}, {"--out", "stopped", "--keep", "6"}, {"--out", "paper", "--game", "paper"}, {"--out", "off", "--game", "off"},
	} {
		succeed(t, train(args...)...)
	}
	for _, file := range []string{"result.json", "pruned.safetensors"} {
		if err := os.Remove(filepath.Join("stopped", file)); err != nil {
			t.Fatal(err)
		}
	}
	if out := succeed(t, "report", "one", "stopped", "paper", "off", "--out", "all.html"); out != "all.html\n" {
		t.Errorf("stdout %q", out)
	}
	text, err := os.ReadFile("all.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"What is not here", "stopped/result.json: there is no such file", `id="front"`, `id="run1-accuracy"`, `id="run2-participation"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	code, stdout, stderr := execute(t, "report", "nowhere")
	refused(t, exitUsage, "nowhere is not a run folder", code, stdout, stderr)
	if err := os.Mkdir("empty", 0o755); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr = execute(t, "report", "empty")
	refused(t, exitUsage, "empty is not the folder of a run", code, stdout, stderr)
	code, stdout, stderr = execute(t, "report")
	refused(t, exitUsage, "takes run folders", code, stdout, stderr)
	s := browse(t, "all.html")
	for _, problem := range append(s.Problems, s.Requests...) {
		t.Error(problem)
	}
}

// TestParticipationsOfRounds: the participations of a round are those of all players that were
// there before it, come to its supply, and stay after an interruption.
func TestParticipationsOfRounds(t *testing.T) {
	atImages(t)
	succeed(t, train("--out", "one", "--keep", "6")...)
	r, err := report.ReadRun("one")
	if err != nil {
		t.Fatal(err)
	}
	before, seen := []int{9, 7}, 0
	for _, line := range r.Rounds {
		for g, p := range line.Participations {
			seen++
			present, sum := 0, 0.
			for _, level := range p.Levels {
				s, there := record.Level(level)
				if sum += s; there {
					present++
				}
			}
			// A level is within half a step, and a player that loses counts as 0 however far it has
			// settled; a round settles players to game.Settled.
			if slack := float64(present) * (0.5/254 + game.Settled); present != before[g] || math.Abs(sum-line.Supply[g]) > slack {
				t.Errorf("round %d, gate %d: %d players participate by %v; there were %d with a supply of %v", line.Round, g, present, sum, before[g], line.Supply[g])
			}
		}
		before = line.Players
	}
	if seen < 4 {
		t.Errorf("%d participations were recorded", seen)
	}
}
