package sweep

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"nashprune/trainer/atomicfile"
	"nashprune/trainer/backend"
)

// The files of a sweep on Slurm.
const (
	ScriptFile   = "sweep.sbatch"
	slurmJobFile = "slurm.job" // its jobs, a line each: the number, and the run of index 0
)

// Cluster is what each run of a sweep asks of a cluster. What is empty is left to it.
type Cluster struct {
	Program []string // as Local.Program; paths as the machines of the cluster see them
	Jobs    int      // runs at a time; 0: as many as the cluster starts
	CPUs    int
	GPUs    int
	Memory  string // such as 4Gi; of Slurm 4G
	// Time is the longest that a run may take on Slurm, such as 2:00:00, and Options are lines
	// of its script without #SBATCH.
	Time    string
	Options []string
	// Image, Claim and Namespace are for Kubernetes, see [Sweep.Manifest].
	Image, Claim, Namespace string
}

// notice is how many seconds before its time limit a run is asked for a checkpoint.
const notice = 120

// largestIndex is the largest index of an array where Slurm has its default MaxArraySize.
const largestIndex = 1000

// slurmScript asks a run that is to stop for a checkpoint. The shell may be told so more than
// once, and each time its wait ends early. A run with a checkpoint is queued again, three times
// at most, counting those times that Slurm did so.
var slurmScript = template.Must(template.New("").Funcs(template.FuncMap{"quote": quote}).Parse(`#!/bin/bash
#SBATCH --job-name=nashprune
#SBATCH --array={{.Array}}
#SBATCH --output={{.Logs}}/%A_%a.log
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR1@{{.Notice}}
{{- range .Options}}
#SBATCH {{.}}
{{- end}}
{{range .Program}}{{quote .}} {{end}}sweep cell {{quote .Dir}} $((SLURM_ARRAY_TASK_ID + {{.First}})) &
run=$!
stopped=
trap 'stopped=1; kill -USR1 $run 2>/dev/null' USR1 TERM
wait $run; code=$?
while [ -n "$stopped" ]; do stopped=; wait $run; code=$?; done
if [ $code = {{.Interrupted}} ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 3 ]; then
  scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"
fi
exit $code
`))

// quote quotes a word for the shell.
func quote(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

// Script returns scripts for sbatch, one after the other, that make those cells of the given numbers,
// without any of all, that are not done; empty: all are.
func (s *Sweep) Script(c Cluster, numbers ...int) (string, error) {
	arrays, err := s.arrays(nil, largestIndex, numbers)
	if err != nil {
		return "", err
	}
	var scripts strings.Builder
	for _, a := range arrays {
		script, err := s.script(c, a)
		if err != nil {
			return "", err
		}
		scripts.WriteString(script)
	}
	return scripts.String(), nil
}

// array is the runs of an array of jobs.
type array struct {
	first int // the run of index 0
	runs  []int
}

// arrays returns those of the given numbers, without any of all, that are neither done nor queued, in
// arrays with a largest index.
func (s *Sweep) arrays(queued map[int]bool, largest int, numbers []int) ([]array, error) {
	rows, err := s.Rows(numbers...)
	if err != nil {
		return nil, err
	}
	var all []array
	for _, n := range openRuns(rows) {
		if queued[n] {
			continue
		}
		if last := len(all) - 1; last >= 0 && n-all[last].first <= largest {
			all[last].runs = append(all[last].runs, n)
			continue
		}
		first := n
		if n <= largest && len(all) == 0 { // so that indices are the numbers of runs, where they may be
			first = 0
		}
		all = append(all, array{first, []int{n}})
	}
	return all, nil
}

// script returns the script of an array.
func (s *Sweep) script(c Cluster, a array) (string, error) {
	dir, err := filepath.Abs(s.Dir)
	if err != nil {
		return "", err
	}
	if strings.ContainsAny(dir, "\n%\\ ") { // sbatch has signs of its own
		return "", backend.Usagef("--out %s: Slurm takes no spaces, percent signs and backslashes in it", dir)
	}
	list := indices(a.runs, a.first)
	if c.Jobs > 0 {
		list += "%" + strconv.Itoa(c.Jobs)
	}
	options := slices.Clip(c.Options)
	for _, option := range []struct {
		asked bool
		text  string
	}{
		{c.CPUs > 0, "--cpus-per-task=" + strconv.Itoa(c.CPUs)}, {c.GPUs > 0, "--gpus-per-task=" + strconv.Itoa(c.GPUs)},
		{c.Memory != "", "--mem=" + strings.TrimSuffix(c.Memory, "i")}, {c.Time != "", "--time=" + c.Time},
	} {
		if option.asked {
			options = append(options, option.text)
		}
	}
	for _, option := range options {
		if strings.ContainsAny(option, "\n\r") {
			return "", backend.Usagef("an option of Slurm is %q; it must be one line", option)
		}
	}
	var script strings.Builder
	err = slurmScript.Execute(&script, map[string]any{
		"Array": list, "First": a.first, "Logs": filepath.Join(dir, logsFolder), "Dir": dir, "Notice": notice, "Options": options, "Program": c.Program,
		"Interrupted": backend.ExitInterrupted,
	})
	return script.String(), err
}

// openRuns returns the numbers of runs that are not done, in their order.
func openRuns(rows []Row) (open []int) {
	for _, row := range rows {
		if !row.State.Done() {
			open = append(open, row.Run)
		}
	}
	slices.Sort(open)
	return slices.Compact(open)
}

// indices writes numbers in order, counted from the first index, as 0-4,7.
func indices(open []int, first int) string {
	var parts []string
	for from := 0; from < len(open); {
		to := from
		for to+1 < len(open) && open[to+1] == open[to]+1 {
			to++
		}
		part := strconv.Itoa(open[from] - first)
		if to > from {
			part += "-" + strconv.Itoa(open[to]-first)
		}
		parts, from = append(parts, part), to+1
	}
	return strings.Join(parts, ",")
}

// SubmittedError says that Slurm makes the cells now.
type SubmittedError struct{ Job, Dir string }

func (e *SubmittedError) Error() string {
	return fmt.Sprintf("Slurm makes the runs, job %s; nashprune sweep status %s shows how far they are, and the same command goes on", e.Job, e.Dir)
}

// Submit is an [Engine]: it gives the cells to Slurm that are neither done nor queued there. Its error
// is then a [SubmittedError].
func (c Cluster) Submit(ctx context.Context, s *Sweep, numbers []int) error {
	queued, jobs, err := s.queued(ctx)
	if err != nil {
		return err
	}
	arrays, err := s.arrays(queued, maxIndex(ctx), numbers)
	if err != nil {
		return err
	}
	for i, a := range arrays {
		var words []string
		if c.Jobs > 0 && i > 0 { // so that no more runs are at work
			words = append(words, "--dependency=afterany:"+jobs[len(jobs)-1])
		}
		job, err := c.submit(ctx, s, a, words)
		if err != nil {
			return err
		}
		jobs = append(jobs, job)
	}
	if len(jobs) == 0 {
		return nil
	}
	return &SubmittedError{strings.Join(jobs, ", "), s.Dir}
}

// jobs returns the jobs that were given to Slurm, in their order, and the run of index 0 of each.
func (s *Sweep) jobs() (jobs []string, first map[string]int, err error) {
	text, err := os.ReadFile(filepath.Join(s.Dir, slurmJobFile))
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	first = map[string]int{}
	for line := range strings.Lines(string(text)) {
		var job string
		var run int
		if n, _ := fmt.Sscan(line, &job, &run); n > 0 { // earlier programs wrote the job alone
			jobs, first[job] = append(jobs, job), run
		}
	}
	return jobs, first, err
}

// queued returns the runs that wait or are at work on Slurm by earlier commands, and their jobs.
func (s *Sweep) queued(ctx context.Context) (runs map[int]bool, jobs []string, err error) {
	all, first, err := s.jobs()
	if err != nil || all == nil {
		return nil, nil, err
	}
	list, err := output(ctx, "squeue", "--noheader", "--array", "--format", "%F %K") // of all: a job that is forgotten is an error
	if err != nil {
		return nil, nil, err
	}
	runs, open := map[int]bool{}, map[string]bool{}
	for line := range strings.Lines(list) {
		job, index := "", 0
		if n, _ := fmt.Sscan(line, &job, &index); n < 2 {
			continue
		}
		if run, ours := first[job]; ours {
			runs[run+index], open[job] = true, true
		}
	}
	return runs, slices.DeleteFunc(all, func(job string) bool { return !open[job] }), nil
}

// maxIndex returns the largest index that an array may have.
func maxIndex(ctx context.Context) int {
	config, _ := output(ctx, "scontrol", "show", "config")
	for line := range strings.Lines(config) {
		size := 0
		if n, _ := fmt.Sscanf(line, "MaxArraySize = %d", &size); n == 1 && size > 1 {
			return size - 1
		}
	}
	return largestIndex
}

// submit gives an array of runs to Slurm, and returns the number of the job.
func (c Cluster) submit(ctx context.Context, s *Sweep, a array, words []string) (string, error) {
	script, err := s.script(c, a)
	if err != nil {
		return "", err
	}
	path := filepath.Join(s.Dir, ScriptFile)
	if err := os.MkdirAll(filepath.Join(s.Dir, logsFolder), 0o755); err != nil {
		return "", atomicfile.Advised(err)
	}
	if err := atomicfile.Write(path, func(w io.Writer) error { _, err := io.WriteString(w, script); return err }); err != nil {
		return "", err
	}
	out, err := output(ctx, "sbatch", append(words, "--parsable", path)...)
	if err != nil {
		return "", err
	}
	job, _, _ := strings.Cut(strings.TrimSpace(out), ";") // a cluster may follow
	file, err := os.OpenFile(filepath.Join(s.Dir, slurmJobFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return "", err
	}
	_, err = fmt.Fprintln(file, job, a.first)
	return job, errors.Join(err, file.Close())
}

// Queue returns what Slurm says of the jobs of the sweep: those that are waiting or at work,
// and, where it keeps accounts, those that have ended. Empty: no job was given to it.
func (s *Sweep) Queue(ctx context.Context) (string, error) {
	all, _, err := s.jobs()
	if err != nil || all == nil {
		return "", err
	}
	jobs := strings.Join(all, ",")
	queued, err := output(ctx, "squeue", "--array", "--jobs", jobs, "--format", "%.12i %.10T %.10M %R")
	if err != nil { // also where all jobs have ended long ago
		queued = ""
	}
	ended, unknown := output(ctx, "sacct", "--allocations", "--jobs", jobs, "--format", "JobID,State,ExitCode,Elapsed,NodeList")
	if err != nil && unknown != nil {
		return "", err
	}
	return queued + ended, nil
}

// output returns what a command of a cluster prints.
func output(ctx context.Context, name string, words ...string) (string, error) {
	out, err := exec.CommandContext(ctx, name, words...).Output()
	var exit *exec.ExitError
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "", backend.Usagef("there is no %s on this machine: run this where jobs are submitted, or see --dry-run", name)
	case errors.As(err, &exit):
		return "", fmt.Errorf("%s: %s", name, strings.TrimSpace(string(exit.Stderr)))
	case err != nil:
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return string(out), nil
}
