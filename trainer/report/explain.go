package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"nashprune/game"
	"nashprune/trainer"
)

// Run is what a run folder says of its game.
type Run struct {
	Result  trainer.Result
	Players []trainer.Player
	Rounds  []trainer.RoundLine // none in the paper's game
}

// maxLine bounds a line of metrics.jsonl that is read back, in bytes.
const maxLine = 1 << 20

// ReadRun reads the folder of a finished run.
func ReadRun(dir string) (*Run, error) {
	run := new(Run)
	path := filepath.Join(dir, trainer.ResultFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s is not the folder of a finished run: %w", dir, err)
	}
	if err := json.Unmarshal(text, &run.Result); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if run.Result.Schema != trainer.ResultSchema {
		return nil, fmt.Errorf("%s has schema %d and this program knows %d", path, run.Result.Schema, trainer.ResultSchema)
	}
	if run.Result.Pruned == nil || run.Result.Equilibrium == nil {
		return nil, fmt.Errorf("%s was trained without a game: there is nothing to explain", dir)
	}
	path = filepath.Join(dir, trainer.PlayersFile)
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if run.Players, err = trainer.ReadPlayers(file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return run, run.readRounds(filepath.Join(dir, trainer.MetricsFile))
}

// readRounds picks the lines about rounds of the market from the metrics.
func (run *Run) readRounds(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, maxLine)
	for number := 1; lines.Scan(); number++ {
		var line trainer.RoundLine
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return fmt.Errorf("%s line %d: %w", path, number, err)
		}
		if line.Round > 0 {
			run.Rounds = append(run.Rounds, line)
		}
	}
	return lines.Err()
}

// Explain writes why players left: counts by layer and reason, the market round
// by round, and the players nearest to the line on both sides.
func Explain(w io.Writer, run *Run) error {
	e, p := run.Result.Equilibrium, run.Result.Pruned
	fmt.Fprintf(w, "%s of %s players stay: %s.\n", thousands(p.Kept), thousands(p.Players), reasons(e))
	fmt.Fprintf(w, "Relative gap %.2g: all players together could gain that part of what is at stake, each by its own best move.\n", e.RelativeGap)
	fmt.Fprintf(w, "The largest gain of one player is %.2g.\n\n", e.MaxGap)

	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "layer\tplayers\tkept\tdominated\tpriced out\tforced\tbelow threshold\tlast price\tlowest kept worth\t")
	for l := range len(p.Shape) - 2 {
		counts := map[game.Reason]int{}
		price, lowest := 0., -1.
		players := 0
		for _, player := range run.Players {
			if player.Layer != l {
				continue
			}
			players++
			counts[player.Reason]++
			if player.Reason == game.Kept {
				price = player.Price
				if lowest < 0 || player.Worth < lowest {
					lowest = player.Worth
				}
			}
		}
		fmt.Fprintf(table, "%d\t%d\t%d\t%d\t%d\t%d\t%d\t%.3g\t%.3g\t\n", l, players, counts[game.Kept], counts[game.Dominated],
			counts[game.PricedOut], counts[game.Forced], counts[game.BelowThreshold], price, max(lowest, 0))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if err := explainRounds(w, run.Rounds); err != nil {
		return err
	}
	return explainMargins(w, run.Players)
}

// shownRounds is about how many rounds of the market are listed.
const shownRounds = 10

func explainRounds(w io.Writer, rounds []trainer.RoundLine) error {
	if len(rounds) == 0 {
		return nil
	}
	fmt.Fprintln(w, "\nThe market, by layer:")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "round\tepoch\tdemand\tplayers\tprice\t")
	step := max(1, len(rounds)/shownRounds)
	for i, r := range rounds {
		if (i+1)%step != 0 && i != 0 && i != len(rounds)-1 {
			continue
		}
		fmt.Fprintf(table, "%d\t%d\t%s\t%s\t%.3g\t\n", r.Round, r.Epoch, shape(r.Demand), shape(r.Players), r.Prices)
	}
	return table.Flush()
}

// shownPlayers is how many players on each side of the line are listed.
const shownPlayers = 5

func explainMargins(w io.Writer, players []trainer.Player) error {
	kept, left := []trainer.Player{}, []trainer.Player{}
	for _, p := range players {
		if p.Reason == game.Kept {
			kept = append(kept, p)
		} else {
			left = append(left, p)
		}
	}
	margin := func(a, b trainer.Player) int {
		switch x, y := a.Worth-a.Price, b.Worth-b.Price; {
		case x < y:
			return -1
		case x > y:
			return 1
		default:
			return 0
		}
	}
	slices.SortStableFunc(kept, margin)
	slices.SortStableFunc(left, func(a, b trainer.Player) int { return b.Epoch - a.Epoch })
	for _, side := range []struct {
		title string
		list  []trainer.Player
	}{{"Nearest to leaving, of those who stay", kept}, {"Last to leave", left}} {
		if len(side.list) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s:\n", side.title)
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(table, "layer:index\tworth\tprice\tparticipation\tepoch\treason\t")
		for _, p := range side.list[:min(shownPlayers, len(side.list))] {
			epoch := "-"
			if p.Epoch > 0 {
				epoch = fmt.Sprint(p.Epoch)
			}
			fmt.Fprintf(table, "%d:%d\t%.3g\t%.3g\t%.3g\t%s\t%s\t\n", p.Layer, p.Index, p.Worth, p.Price, p.Participation, epoch, p.Reason)
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	return nil
}
