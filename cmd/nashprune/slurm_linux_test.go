package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// slurm starts a Slurm of one node, on loopback, with a configuration of its own. The test is
// skipped where Slurm or the rights for it are missing, but with CI set. More are further lines of it.
func slurm(t *testing.T, more ...string) {
	t.Helper()
	lacking := ""
	for _, program := range []string{"munged", "slurmctld", "slurmd", "sbatch", "scontrol", "squeue"} {
		if _, err := exec.LookPath(program); err != nil {
			lacking = "there is no " + program + " (Debian's slurm-wlm and munge)"
		}
	}
	if os.Getuid() != 0 {
		lacking = "slurmd takes root"
	}
	if lacking != "" {
		if os.Getenv("CI") != "" {
			t.Fatal(lacking)
		}
		t.Skip(lacking)
	}
	dir := t.TempDir()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	conf := fmt.Sprintf(`ClusterName=test
SlurmctldHost=%[1]s(127.0.0.1)
SlurmctldPort=%[3]d
SlurmdPort=%[4]d
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=%[2]s/munge.socket
CryptoType=crypto/munge
StateSaveLocation=%[2]s/state
SlurmdSpoolDir=%[2]s/spool
SlurmctldPidFile=%[2]s/slurmctld.pid
SlurmdPidFile=%[2]s/slurmd.pid
SlurmctldLogFile=%[2]s/slurmctld.log
SlurmdLogFile=%[2]s/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
KillWait=60
MinJobAge=3600
SchedulerParameters=sched_interval=1,batch_sched_delay=0
NodeName=%[1]s NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=%[1]s Default=YES MaxTime=INFINITE State=UP
%[5]s
`, strings.Split(host, ".")[0], dir, freePort(t), freePort(t), strings.Join(more, "\n"))
	for name, content := range map[string]string{"slurm.conf": conf, "key": strings.Repeat("0123456789abcdef", 64)} {
		if err := os.WriteFile(at(name), []byte(content), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	for _, folder := range []string{"state", "spool"} {
		if err := os.Mkdir(at(folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("SLURM_CONF", at("slurm.conf"))
	for _, words := range [][]string{
		{"munged", "--foreground", "--force", "--key-file=" + at("key"), "--socket=" + at("munge.socket"), "--pid-file=" + at("munge.pid"), "--log-file=" + at("munge.log"), "--seed-file=" + at("munge.seed")},
		{"slurmctld", "-D", "-c"},
		{"slurmd", "-D"},
	} {
		cmd := exec.Command(words[0], words[1:]...)
		var messages bytes.Buffer
		cmd.Stdout, cmd.Stderr = &messages, &messages
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			select {
			case <-ended:
			case <-time.After(10 * time.Second):
				_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
				<-ended
			}
			if t.Failed() {
				t.Logf("%s: %s", words[0], messages.String())
			}
		})
		if words[0] == "munged" {
			eventually(t, "munged", func() bool { _, err := os.Stat(at("munge.socket")); return err == nil })
		}
	}
	eventually(t, "the node", func() bool {
		out, err := exec.Command("sinfo", "--noheader", "--format", "%T").Output()
		return err == nil && strings.TrimSpace(string(out)) == "idle"
	})
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// TestSweepOnSlurm: a sweep of twelve runs on a real Slurm, of which one is killed, one is put
// back into the queue on its way, and one fails for good, has the table of the same sweep on this
// machine, to the bit.
func TestSweepOnSlurm(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	slurm(t)
	file := filepath.Join(t.TempDir(), "grid.toml")
	if err := os.WriteFile(file, []byte(slurmGrid()), 0o600); err != nil {
		t.Fatal(err)
	}
	here, there := filepath.Join(t.TempDir(), "here"), filepath.Join(t.TempDir(), "there")
	nashprune := func(wantCode int, args ...string) string {
		t.Helper()
		cmd := process(args...)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		_ = cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != wantCode {
			t.Fatalf("nashprune %q exits with %d, want %d: %s", args, code, wantCode, stderr.String())
		}
		return stdout.String()
	}
	nashprune(exitFailed, "sweep", file, "--out", here, "--jobs", "2") // one run fails
	nashprune(exitDone, "sweep", file, "--out", there, "--on", "slurm", "--jobs", "2", "--cpus", "1")
	text, err := os.ReadFile(filepath.Join(there, "slurm.job"))
	if err != nil {
		t.Fatal(err)
	}
	job := strings.Fields(string(text))[0]

	// The first two runs are at work now or soon. One is put back into the queue, which asks it
	// for a checkpoint, and the process of the other is killed.
	begun := func(n int) bool {
		found, err := filepath.Glob(filepath.Join(there, "*seed="+fmt.Sprint(n+1), "metrics.jsonl"))
		return err == nil && len(found) > 0
	}
	eventually(t, "run 0", func() bool { return begun(0) })
	if out, err := exec.Command("scontrol", "requeue", job+"_0").CombinedOutput(); err != nil {
		t.Fatalf("requeue: %v: %s", err, out)
	}
	killed := false
	for n := 1; n < 11 && !killed; n++ { // a run may end before it is killed
		eventually(t, "a run", func() bool { return begun(n) })
		killed = killCells(there)
	}
	if !killed {
		t.Fatal("no run was killed")
	}
	// Slurm lets a job wait for two minutes after a requeue.
	eventually(t, "the requeue", func() bool {
		out, err := exec.Command("squeue", "--noheader", "--array", "--jobs", job+"_0", "--format", "%T").Output()
		return err == nil && strings.TrimSpace(string(out)) == "PENDING" &&
			exec.Command("scontrol", "update", "JobId="+job+"_0", "StartTime=now").Run() == nil
	})
	queued := func() string {
		out, err := exec.Command("squeue", "--noheader", "--array", "--jobs", job, "--format", "%i %T").Output()
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(out))
	}
	eventually(t, "the end of all jobs", func() bool { return queued() == "" })

	status := nashprune(exitDone, "sweep", "status", there)
	if !strings.Contains(status, "failed") || !strings.Contains(status, "interrupted") && !strings.Contains(status, "waiting") {
		t.Errorf("one run failed and some were killed, and status prints %s", status)
	}
	// What is not done is given to Slurm again, and only that.
	script := nashprune(exitDone, "sweep", file, "--out", there, "--on", "slurm", "--dry-run")
	if strings.Contains(script, "--array=0-11") {
		t.Errorf("runs that are done are made again:\n%s", script)
	}
	nashprune(exitDone, "sweep", file, "--out", there, "--on", "slurm", "--jobs", "2", "--cpus", "1")
	if text, err = os.ReadFile(filepath.Join(there, "slurm.job")); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	job = strings.Fields(lines[len(lines)-1])[0]
	eventually(t, "the end of all jobs", func() bool { return queued() == "" })

	want, got := sweepFigures(t, nashprune(exitDone, "sweep", "collect", here, "--json")), sweepFigures(t, nashprune(exitDone, "sweep", "collect", there, "--json"))
	if !slices.Equal(got, want) {
		t.Errorf("on Slurm\n%s\nhere\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	finished, failed := 0, 0
	for _, line := range want {
		switch {
		case strings.Contains(line, " finished "):
			finished++
		case strings.Contains(line, " failed "):
			failed++
		}
	}
	if finished != 11 || failed != 1 {
		t.Errorf("%d finished, %d failed", finished, failed)
	}
	for n := range 11 {
		pruned := fmt.Sprintf("*seed=%d/pruned.safetensors", n+1)
		if a, b := globbed(t, here, pruned), globbed(t, there, pruned); sumOfTensors(t, a) != sumOfTensors(t, b) {
			t.Errorf("run %d has other bits on Slurm", n)
		}
	}
}

// TestSlurmInPieces: where an array may have few jobs a sweep has several, and given again while it
// waits, none of its runs waits twice.
func TestSlurmInPieces(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	slurm(t, "MaxArraySize=5")
	t.Chdir(t.TempDir())
	writeFile(t, "grid.toml", []byte("data = \"digits:side=8,train=64,test=32\"\nmodel = \"mlp:8\"\ndevice = \"gonum\"\nbatch = 16\nepochs = 2\nrounds = 1\nkeep = 4\ncertify-steps = 0\n[grid]\nseed = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]\n"))
	submit := func() string {
		stdout, _ := program(t, exitDone, "sweep", "grid.toml", "--out", "runs", "--on", "slurm", "--jobs", "4", "--sbatch=--hold")
		return stdout
	}
	queued := func(format string) []string {
		out, err := exec.Command("squeue", "--noheader", "--array", "--format", format).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(out))
	}
	first := submit()
	if n := len(queued("%i")); n != 12 || !strings.HasPrefix(first, "Slurm makes the runs, job 1, 2, 3; ") {
		t.Fatalf("%d runs are queued: %s", n, first)
	}
	if again := submit(); len(queued("%i")) != 12 || again != first {
		t.Errorf("given again, %d runs are queued: %s", len(queued("%i")), again)
	}
	for _, job := range slices.Compact(slices.Sorted(slices.Values(queued("%F")))) {
		if out, err := exec.Command("scontrol", "release", job).CombinedOutput(); err != nil {
			t.Fatalf("release: %v: %s", err, out)
		}
	}
	eventually(t, "the end of all jobs", func() bool { return len(queued("%i")) == 0 })
	if status, _ := program(t, exitDone, "sweep", "status", "runs"); !strings.Contains(status, "12 finished") {
		t.Errorf("%s", status)
	}
}

// killCells kills the processes that make runs of a sweep, and reports whether there was one.
func killCells(dir string) (killed bool) {
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, line := range lines {
		text, _ := os.ReadFile(line) // of a process that has ended, nothing
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(line))); err == nil && strings.Contains(string(text), "\x00cell\x00"+dir+"\x00") {
			killed = syscall.Kill(pid, syscall.SIGKILL) == nil || killed
		}
	}
	return killed
}

// TestCompareOnSlurm: a comparison gives Slurm a stage after the other, by the same command, and comes
// to the networks of this machine.
func TestCompareOnSlurm(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	slurm(t)
	t.Chdir(t.TempDir())
	words := strings.Fields("compare --quick --data digits:side=8,train=320,test=80 --epochs 8 --keep 12 --device gonum --seeds 1 --method gradual-magnitude --search=false --out")
	program(t, exitDone, append(words, "here")...)
	model, err := os.ReadFile("here/latency.json") // with which it is the same comparison
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir("there", 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, "there/latency.json", model)
	stages := 0
	for done := false; !done; stages++ {
		stdout, _ := program(t, exitDone, append(words, "there", "--on", "slurm")...)
		if done = strings.Contains(stdout, "results: there"); !done && !strings.Contains(stdout, "makes the runs") {
			t.Fatalf("stage %d: %s", stages, stdout)
		}
		eventually(t, "the end of all jobs", func() bool {
			queued, err := exec.Command("squeue", "--noheader").Output()
			return err == nil && len(bytes.TrimSpace(queued)) == 0
		})
	}
	networks, err := filepath.Glob("here/*/*/*/*/seed-1/pruned.safetensors")
	if err != nil || len(networks) < 4 || stages < 4 {
		t.Fatalf("%d stages, %d networks, %v", stages, len(networks), err)
	}
	for _, network := range networks {
		if sumOfTensors(t, network) != sumOfTensors(t, "there"+strings.TrimPrefix(network, "here")) {
			t.Errorf("%s has other bits on Slurm", network)
		}
	}
}

// slurmGrid has eleven runs and one that fails, whose data is not there. The first two, which are
// interrupted, take fifty times as long.
func slurmGrid() string {
	var grid strings.Builder
	grid.WriteString(`data = "digits:side=8,train=640,test=80"
model = "mlp:12-8"
device = "gonum"
batch = 32
rounds = 4
keep = 8
certify-steps = 0
`)
	for seed := 1; seed <= 12; seed++ {
		epochs := 40
		if seed <= 2 {
			epochs = 2000
		}
		fmt.Fprintf(&grid, "[[list]]\nseed = %d\nepochs = %d\n", seed, epochs)
	}
	grid.WriteString(`data-dir = "/nonexistent"
latency-model = "/nonexistent/result.json"
cost = "latency"
`)
	return grid.String()
}
