package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/download"
	"nashprune/trainer/report"
)

func newData() *cobra.Command {
	data := &cobra.Command{Use: "data", Short: "List and fetch data sets"}
	needsCommand(data, "list")
	data.AddCommand(newDataList(), newDataPull())
	return data
}

func newDataList() *cobra.Command {
	dir, asJSON := "", false
	list := &cobra.Command{
		Use:     "list",
		Short:   "List the named data sets and where they are",
		Example: "  nashprune data list --data-dir ~/data",
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			entries := dataset.List(dir)
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), entries)
			}
			return listData(cmd.OutOrStdout(), entries)
		},
	}
	list.Flags().StringVar(&dir, "data-dir", "", "`folder` to look for data sets in first")
	list.Flags().BoolVar(&asJSON, "json", false, "print JSON instead of a table")
	return list
}

// listData writes what is known of data sets, one below the other.
func listData(w io.Writer, entries []dataset.Entry) error {
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, e := range entries {
		where := e.Where
		if e.Missing != "" {
			where = "not here: " + e.Missing
		}
		fmt.Fprintf(table, "%s\t%s\n", e.Name, e.Summary)
		fmt.Fprintf(table, "\t%s training and %s test images of %dx%dx%d, %d classes\n", report.Thousands(e.Train), report.Thousands(e.Test), e.Channels, e.Height, e.Width, e.Classes)
		fmt.Fprintf(table, "\t%s\n", e.Source)
		fmt.Fprintf(table, "\t%s\n\n", where)
	}
	fmt.Fprintf(table, "PATH\ta .csv or .tsv file with a header and a column of labels, also gzipped;\n")
	fmt.Fprintf(table, "\ta .npz file with x_train, y_train and perhaps x_test, y_test (both also\n")
	fmt.Fprintf(table, "\twith numbers to predict, for --task regression);\n")
	fmt.Fprintf(table, "\ta folder of IDX files under MNIST's names;\n")
	fmt.Fprintf(table, "\ta folder or archive (.zip, .tar, .tar.gz) of images as train/CLASS/FILE and\n")
	fmt.Fprintf(table, "\ttest/CLASS/FILE, or CLASS/FILE\n")
	return table.Flush()
}

func newDataPull() *cobra.Command {
	dir := ""
	pull := &cobra.Command{
		Use:   "pull mnist|fashion|cifar10|cifar100",
		Short: "Fetch a data set into the user's cache, or into --data-dir",
		Long: `Pull fetches a data set over HTTPS into the user's cache, or into --data-dir, and
verifies its published checksums before it is used. Ctrl-C keeps the part that has arrived; the next pull
continues from there. A complete and sound data set is not fetched again.`,
		Example: "  nashprune data pull fashion",
		Args:    exactly(1, "the name of one data set, such as mnist"),
		RunE: func(cmd *cobra.Command, args []string) error {
			progress := newProgress(cmd.ErrOrStderr())
			defer progress.end()
			client := download.NewClient()
			client.Observe = pullObserver(progress)
			pulled, err := dataset.Pull(untilSignal(cmd), args[0], dir, client, dataset.PullEvents{
				Waiting: func(p dataset.Pulled) {
					progress.line(fmt.Sprintf("another nashprune is pulling %s: waiting until it ends", p.Name), true)
				},
				Fetching: func(p dataset.Pulled) {
					progress.line(fmt.Sprintf("%s: %s", p.Name, p.Summary), true)
					progress.line("source:  "+p.URL, true)
					progress.line("licence: "+p.Source, true)
				},
			})
			progress.end()
			switch {
			case errors.Is(err, dataset.ErrUnknown):
				return backend.Usagef("%v", err)
			case err != nil:
				return err
			case pulled.Fetched:
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is in %s, verified\n", pulled.Name, pulled.Where)
			default:
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is in %s already, and sound\n", pulled.Name, pulled.Where)
			}
			return err
		},
		ValidArgs: pulledNames,
	}
	pull.Flags().StringVar(&dir, "data-dir", "", "`folder` for data sets, in which --data-dir of other commands finds it (default: in the user's cache)")
	return pull
}

// pulledNames are the data sets that can be fetched.
var pulledNames = []string{"mnist", "fashion", "cifar10", "cifar100"}

// tellEvery is the interval between lines about a download where there is no terminal.
const tellEvery = 10 * time.Second

// pullObserver shows how far a download is.
func pullObserver(p *progress) func(download.File, int64, int64) {
	last, file := time.Time{}, ""
	return func(f download.File, have, all int64) {
		interval := tellEvery
		if p.terminal {
			interval = redrawEvery
		}
		if f.Path == file && time.Since(last) < interval && have != all {
			return
		}
		last, file = time.Now(), f.Path
		text := fmt.Sprintf("%s  %.1f MB", filepath.Base(f.Path), float64(have)/1e6)
		if all > 0 {
			text += fmt.Sprintf(" of %.1f MB  %3.0f %%", float64(all)/1e6, 100*float64(have)/float64(all))
		}
		p.line(text, !p.terminal)
	}
}
