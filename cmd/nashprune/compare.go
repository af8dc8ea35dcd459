package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"nashprune/trainer"
	"nashprune/trainer/backend"
	"nashprune/trainer/compare"
	"nashprune/trainer/cost"
	"nashprune/trainer/report"
	"nashprune/trainer/settings"
)

// Defaults of the command compare; those of a quick one take seconds.
var (
	compareKeep      = []cost.Limit{15, 38, 154}
	quickCompareKeep = []cost.Limit{12, 24}
	fittedKeep       = []cost.Limit{-10, -20, -50} // percent of the players of small data
)

const (
	compareSeeds      = 3
	compareMostSeeds  = 8
	quickCompareSeeds = 2
	quickCompareData  = "digits:train=2000,test=1000"
	quickCompareModel = "mlp:64-32"
	quickEpochs       = 5
	quickBatch        = 32
	quickRounds       = 20
)

func newCompare() *cobra.Command {
	var (
		config  = settings.Default()
		options = compare.Options{Keep: compareKeep, Seeds: compareSeeds, MostSeeds: compareMostSeeds, Search: true}
		runs    engine
		quick   bool
		asJSON  bool
	)
	cmd := &cobra.Command{
		Use:   "compare",
		Short: "Compare the market with other pruning methods, under equal terms",
		Long: fmt.Sprintf(`Compare prunes the same network by the market and by other methods: random players,
row norms, path norms and Taylor scores at once and on the market's schedule, Fisher
scores, contributions without a game, backward elimination with refit, group lasso, gates
under an L1 penalty, gates drawn under an L0 penalty or with Lagrange multipliers (CoFi),
the paper's game, and the pruned shape trained from scratch. False markets beside the true
one show which markets its certificate separates. At each size every method finds a shape
for so many players, for as many parameters and for as long, and is given the equal shape and
those of the best methods. All have the same epochs, optimiser, weight decay, tail and seeds.

%d settings of every method are tried at each size and shape on a tenth of the training
part, with one seed. The compared runs evaluate the test part once. Methods within a
point of the best have --most-seeds seeds. Differences to the market are paired by seed;
the intervals of a table hold together with 95 %% (Bonferroni). The report has sizes,
latencies and the search, too. After a stop the same command continues.`, compare.Searched),
		Example: `  nashprune compare --quick --out runs/compared
  nashprune compare --data mnist --jobs 2 --out runs/compared-mnist
  nashprune compare --data mnist --optimiser adamw --weight-decay 0.2 --jobs 2 --out runs/decayed
  nashprune compare --data mnist --keep 38 --method fisher --method gradual-magnitude --out runs/three`,
		Args: exactly(0, "no arguments, only flags"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := settleFromEnvironment(cmd.Flags()); err != nil {
				return err
			}
			named := cmd.Flags().Changed
			if quick {
				named = quickly(named, &config, &options)
			}
			progress := newProgress(cmd.ErrOrStderr())
			defer progress.end()
			if err := fitComparison(named, &config, &options, progress); err != nil {
				return err
			}
			var err error
			if options.Make, err = runs.engine(cmd, progress); err != nil {
				return err
			}
			if choice, err := backend.ChooseDevice(config.Device); err == nil { // if not, the first run says why
				progress.announce(choice)
			}
			options.Config, options.Version = config, version()
			options.Command = commandLine()
			result, err := compare.Run(untilSignal(cmd), options)
			progress.end()
			if err != nil {
				return submitted(cmd, err)
			}
			drawn := report.SaveFront(options.Dir, result)
			write := report.Compare
			if asJSON {
				write = func(w io.Writer, r *compare.Report) error { return writeJSON(w, r) }
			}
			if err := write(cmd.OutOrStdout(), result); err != nil || asJSON {
				return errors.Join(err, drawn)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "\nresults: %s (%s, %s; %s shows them)\n", options.Dir, compare.ReportFile, compare.TableFile, report.FrontFile)
			return errors.Join(err, drawn)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	for _, s := range settings.All {
		if s.Compared {
			addSetting(f, &config, s)
		}
	}
	f.Var(limits{&options.Keep}, "keep", "sizes: numbers of `players` that stay, or percentages of all such as 10%, increasing, with commas in between")
	f.IntVar(&options.Seeds, "seeds", options.Seeds, "seeds of every method, from --seed on")
	f.IntVar(&options.MostSeeds, "most-seeds", options.MostSeeds, "seeds of methods within a point of the best, where that is more than --seeds")
	f.BoolVar(&options.Search, "search", options.Search, "choose the settings of every method on held-out samples first")
	f.StringArrayVar(&options.Only, "method", nil, "compare the market with this method, repeatable (default: with all)")
	runs.addFlags(f)
	f.StringVar(&options.Dir, "out", "", "`folder` for the runs and the report")
	f.BoolVar(&quick, "quick", false, "a small network on few drawn digits, in seconds; other flags still apply")
	f.BoolVar(&asJSON, "json", false, "print compare.json instead of tables")
	return cmd
}

// fitComparison takes the settings that the size of the data asks for where the user named none.
func fitComparison(named func(flag string) bool, c *settings.Config, o *compare.Options, p *progress) error {
	fitted, chosen := trainer.Fitter{}.Fit(*c, named)
	if chosen == "" {
		return nil
	}
	if !named("keep") {
		o.Keep = fittedKeep
		chosen += " --keep " + limits{&o.Keep}.String()
	}
	*c = fitted
	p.line(sizeOfData+chosen, true)
	return nil
}

// quickly takes small defaults for flags that are not named, and returns which are named now.
func quickly(named func(flag string) bool, c *settings.Config, o *compare.Options) func(flag string) bool {
	taken := map[string]bool{}
	for _, d := range []struct {
		flag string
		take func()
	}{
		{"data", func() { c.Data = quickCompareData }},
		{"model", func() { c.Model = quickCompareModel }},
		{"epochs", func() { c.Epochs = quickEpochs }},
		{"batch", func() { c.Batch = quickBatch }},
		{"rounds", func() { c.Rounds = quickRounds }},
		{"keep", func() { o.Keep = quickCompareKeep }},
		{"seeds", func() { o.Seeds = quickCompareSeeds }},
		{"most-seeds", func() { o.MostSeeds = 0 }},
	} {
		if !named(d.flag) {
			d.take()
			taken[d.flag] = true
		}
	}
	return func(flag string) bool { return taken[flag] || named(flag) }
}
