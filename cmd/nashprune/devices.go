package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"nashprune/trainer/backend"
)

// inventory is what "devices --json" prints.
type inventory struct {
	Devices     []backend.Device `json:"devices"`
	Auto        *backend.Choice  `json:"auto"` // null if it would take none
	Unavailable []unavailable    `json:"unavailable"`
}

// unavailable is a driver without devices, or with some that cannot be used.
type unavailable struct {
	Driver string `json:"driver"`
	Reason string `json:"reason"`
}

func newDevices() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "devices",
		Short: "List the devices that can train a network",
		Long: `Devices lists what --device can name: auto, a driver (cpu, vulkan), one of its
devices (vulkan:0) or a part of a device's name, in any case. Of several that
fit, discrete GPUs come before integrated and virtual ones, then the CPU. Auto
never takes a software device, which runs on the CPU.`,
		Example: `  nashprune devices
  nashprune devices --json`,
		Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			found := takeInventory()
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), found)
			}
			return found.write(cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON instead of a table")
	return cmd
}

func takeInventory() inventory {
	devices, missing := backend.Inventory()
	found := inventory{Devices: devices, Unavailable: []unavailable{}}
	for _, driver := range slices.Sorted(maps.Keys(missing)) {
		found.Unavailable = append(found.Unavailable, unavailable{driver, oneLine.Replace(missing[driver].Error())})
	}
	if choice, err := backend.ChooseDevice("auto"); err == nil {
		found.Auto = &choice
	}
	return found
}

func (i inventory) write(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "device\tkind\tname\tcomputes with")
	for _, d := range i.Devices {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", d.ID(), d.Kind, oneLine.Replace(d.Name), d.Computes())
	}
	fmt.Fprintln(table)
	if i.Auto != nil {
		fmt.Fprintf(table, "--device auto takes %s\n", describeChoice(*i.Auto))
	}
	for _, u := range i.Unavailable {
		lack := "has no devices"
		if slices.ContainsFunc(i.Devices, func(d backend.Device) bool { return d.Driver == u.Driver }) {
			lack = "has others that cannot be used"
		}
		fmt.Fprintf(table, "%s %s: %s\n", u.Driver, lack, u.Reason)
	}
	return table.Flush()
}

// describeChoice names a device and says why it is that one.
func describeChoice(c backend.Choice) string { return oneLine.Replace(c.String()) }
