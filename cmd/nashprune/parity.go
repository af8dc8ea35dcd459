package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	cpufallback "nashprune/cpu_fallback" // registers the driver "cpu"
	"nashprune/trainer/backend"
	"nashprune/trainer/backendtest"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/report"
)

// parityCases returns the cases that devices are compared in. Tests take fewer.
var parityCases = backendtest.Cases

func newParity() *cobra.Command {
	device, kernels, asJSON, verbose := "", "", false, false
	cmd := &cobra.Command{
		Use:   "parity",
		Short: "Compare what devices compute with float64, number by number",
		Long: `Parity runs the suite that every backend must pass: each activation, gradient,
statistic, move and update of networks of odd sizes, a trajectory of 20 steps, and
evaluation. The reference is the CPU in float64, which is itself compared with plain
loops. Every number has a bound that follows from the arithmetic; the table shows
how much of it the largest difference took. The exit code is 4 if one is broken.`,
		Example: `  nashprune parity
  nashprune parity --device vulkan --verbose
  nashprune parity --device vulkan --kernels all
  nashprune parity --json`,
		Args: exactly(0, "no arguments, only flags"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := settleFromEnvironment(cmd.Flags()); err != nil {
				return err
			}
			progress := newProgress(cmd.ErrOrStderr())
			defer progress.end()
			devices, err := candidates(device, progress)
			if err != nil {
				return err
			}
			if kernels == allKernels {
				devices, err = withAllKernels(devices)
			} else {
				devices, err = withKernels(devices, kernels, progress)
			}
			if err != nil {
				return err
			}
			result := parityResult{Reference: "CPU in float64", Unit: network.Float32Unit}
			ctx := untilSignal(cmd)
			for _, d := range devices {
				compared, err := compareDevice(ctx, d, progress)
				if err != nil {
					return err
				}
				result.Devices = append(result.Devices, compared)
			}
			progress.end()
			if asJSON {
				err = writeJSON(cmd.OutOrStdout(), result)
			} else {
				err = result.write(cmd.OutOrStdout(), verbose)
			}
			if broken := result.verdict(); broken != nil { // also when the reader stops early
				return broken
			}
			return err
		},
	}
	cmd.Flags().StringVar(&device, "device", "", "cpu, vulkan, vulkan:N, or a part of a device's name (default: every device)")
	cmd.Flags().StringVar(&kernels, "kernels", "", help("kernels")+", or all, one after the other")
	cmd.Flags().BoolVar(&verbose, "verbose", false, "print every check of every case")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON instead of a table")
	return cmd
}

// candidates returns the device that the user means, or all there are.
func candidates(words string, p *progress) ([]backend.Device, error) {
	if words != "" {
		choice, err := backend.ChooseDevice(words)
		if err == nil {
			p.announce(choice)
		}
		return []backend.Device{choice.Device}, err
	}
	devices, missing := backend.Inventory()
	for _, driver := range slices.Sorted(maps.Keys(missing)) {
		p.line(oneLine.Replace(fmt.Sprintf("%s is left out: %v", driver, missing[driver])), true)
	}
	if len(devices) == 0 {
		return nil, fmt.Errorf("%w to compare", backend.ErrNoDevice)
	}
	return devices, nil
}

// compareDevice runs the cases on a device, one after the other, so that ctx can
// end them in between and within.
func compareDevice(ctx context.Context, d backend.Device, p *progress) (comparedDevice, error) {
	compared := comparedDevice{Device: d}
	until := func(open backendtest.Opener) backendtest.Opener { // engines are opened several times a case
		return func(data *dataset.Dataset, o backend.EngineOptions, s *backend.State) (backend.Engine, error) {
			if ctx.Err() != nil {
				return nil, fmt.Errorf("%w: the comparison is not complete", backend.ErrInterrupted)
			}
			return open(data, o, s)
		}
	}
	cases := parityCases()
	for i, c := range cases {
		p.line(fmt.Sprintf("%s%s: case %d of %d, %s", d.ID(), kernelsOf(d), i+1, len(cases), c.Name), !p.terminal)
		found, err := backendtest.Compare(until(cpufallback.OpenOracle), until(d.Open), network.Float32Unit, []backendtest.Case{c})
		if err != nil {
			return compared, fmt.Errorf("%s: %w", d.ID(), err)
		}
		for _, check := range found.Checks {
			compared.Checks = append(compared.Checks, parityCheck{check})
		}
	}
	compared.Broken = len(compared.broken())
	return compared, nil
}

// parityResult is what "parity --json" prints.
type parityResult struct {
	Reference string           `json:"reference"`
	Unit      float64          `json:"unit_roundoff"` // of the devices
	Devices   []comparedDevice `json:"devices"`
}

// comparedDevice is how one device did.
type comparedDevice struct {
	Device backend.Device `json:"device"`
	Broken int            `json:"broken"` // checks outside their bounds
	Checks []parityCheck  `json:"checks"`
}

// parityCheck is a check as JSON holds it: with a verdict, and null for what is
// no finite number.
type parityCheck struct{ backendtest.Check }

func (c parityCheck) MarshalJSON() ([]byte, error) {
	finite := func(x float64) *float64 {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil
		}
		return &x
	}
	return json.Marshal(struct {
		backendtest.Check
		Error *float64 `json:"error"`
		Used  *float64 `json:"bound_used"`
		OK    bool     `json:"ok"`
	}{c.Check, finite(c.Error), finite(c.Used), c.OK()})
}

func (d comparedDevice) broken() []parityCheck {
	return slices.DeleteFunc(slices.Clone(d.Checks), func(c parityCheck) bool { return c.OK() })
}

// verdict is nil if every bound holds, else of the kind ErrParity.
func (r parityResult) verdict() error {
	for _, d := range r.Devices {
		if broken := d.broken(); len(broken) > 0 {
			worst := slices.MaxFunc(broken, func(a, b parityCheck) int { return cmp.Compare(a.Used, b.Used) })
			return fmt.Errorf("%w: %d of %d checks on %s (%s%s), worst %s in the case %s",
				backend.ErrParity, len(broken), len(d.Checks), d.Device.ID(), d.Device.Name, kernelsOf(d.Device), worst.Quantity, worst.Case)
		}
	}
	return nil
}

func (r parityResult) write(w io.Writer, verbose bool) error {
	for i, d := range r.Devices {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if err := d.write(w, verbose); err != nil {
			return err
		}
	}
	return nil
}

// shown is the number of broken checks that are printed one by one.
const shown = 20

func (d comparedDevice) write(w io.Writer, verbose bool) error {
	name := oneLine.Replace(fmt.Sprintf("%s, %s%s", d.Device.ID(), d.Device.Name, kernelsOf(d.Device)))
	fmt.Fprintf(w, "%s, beside the CPU in float64\n\n", name)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	if verbose {
		d.writeChecks(table)
	} else {
		d.writeQuantities(table)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	broken := d.broken()
	fmt.Fprintln(w)
	for _, c := range broken[:min(len(broken), shown)] {
		fmt.Fprintf(w, "BROKEN in the case %s: %s: %s\n", c.Case, c.Quantity, c.Detail)
	}
	if more := len(broken) - shown; more > 0 {
		fmt.Fprintf(w, "and %d more (--verbose or --json shows all)\n", more)
	}
	verdict := "all within their bounds"
	if len(broken) > 0 {
		verdict = fmt.Sprintf("%d BROKEN", len(broken))
	}
	_, err := fmt.Fprintf(w, "%s: %s checks, %s\n", name, report.Thousands(len(d.Checks)), verdict)
	return err
}

// numbered is what a quantity has for each gate, or for each time that it is looked at.
var numbered = regexp.MustCompile(`\d+\.|/after \d+ checks`)

// ofNode is a tensor of a step of one node or gate: the name lies between what is kept.
var ofNode = regexp.MustCompile(`^(step/(?:gradient\.|first\.|second\.|gate\.)?).+?\.((?:contribution\.|average\.)?[^.]+)$`)

// kindOf returns the name under which checks are put together: over all nodes and gates,
// and those of the reference itself as one.
func kindOf(c parityCheck) string {
	if strings.HasPrefix(c.Quantity, "reference ") {
		return "the reference, beside plain loops"
	}
	return numbered.ReplaceAllString(ofNode.ReplaceAllString(c.Quantity, "$1$2"), "")
}

// writeQuantities writes a row a quantity, with the worst of all layers and cases.
func (d comparedDevice) writeQuantities(w io.Writer) {
	checks := map[string][]parityCheck{}
	var kinds, groups []string // in the order in which they first come
	group := func(kind string) string { before, _, _ := strings.Cut(kind, "/"); return before }
	for _, c := range d.Checks {
		kind := kindOf(c)
		if checks[kind] == nil {
			kinds, groups = append(kinds, kind), append(groups, group(kind))
		}
		checks[kind] = append(checks[kind], c)
	}
	slices.SortStableFunc(kinds, func(a, b string) int {
		return slices.Index(groups, group(a)) - slices.Index(groups, group(b))
	})
	fmt.Fprintln(w, "bound used\tlargest error\tchecks\tnumbers\t\t  quantity")
	for _, kind := range kinds {
		worst, numbers := checks[kind][0], 0
		for _, c := range checks[kind] {
			numbers += c.Elements
			if c.Used > worst.Used {
				worst = c
			}
		}
		fmt.Fprintf(w, "%s\t%.2g\t%d\t%s\t%s\t  %s\n", used(worst), worst.Error, len(checks[kind]), report.Thousands(numbers), mark(worst), kind)
	}
}

// writeChecks writes a row a check, case by case.
func (d comparedDevice) writeChecks(w io.Writer) {
	for i, c := range d.Checks {
		if i == 0 || d.Checks[i-1].Case != c.Case {
			fmt.Fprintf(w, "bound used\tlargest error\tnumbers\t\t  %s\n", c.Case)
		}
		fmt.Fprintf(w, "%s\t%.2g\t%s\t%s\t  %s\n", used(c), c.Error, report.Thousands(c.Elements), mark(c), c.Quantity)
	}
}

// used is the part of its bound that a difference took, which is infinite where
// numbers must be the same to the bit.
func used(c parityCheck) string {
	switch {
	case c.Used == 0:
		return "0"
	case c.Used < 0.001:
		return "< 0.1 %"
	case math.IsInf(c.Used, 1):
		return "infinite"
	case c.Used >= 10:
		return fmt.Sprintf("%.3g times", c.Used)
	}
	return fmt.Sprintf("%.1f %%", 100*c.Used)
}

func mark(c parityCheck) string {
	if c.OK() {
		return ""
	}
	return "BROKEN"
}
