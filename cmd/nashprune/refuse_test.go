package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"nashprune/trainer/record"
)

// TestTrainRefuses: what makes no sense is refused in one line, before anything
// is written.
func TestTrainRefuses(t *testing.T) {
	atImages(t)
	for _, name := range []string{"HOME", "XDG_CACHE_HOME"} {
		t.Setenv(name, t.TempDir()) // where a user may have mnist
	}
	writeFile(t, "file", []byte("text"))
	if err := os.MkdirAll("full/inside", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args  string // after those of train and --keep 8
		code  int
		words string
	}{
		{"extra", exitUsage, "takes no arguments"},
		{"--nosuch", exitUsage, "unknown flag: --nosuch"},
		{"--epochs", exitUsage, "needs an argument"},
		{"--epochs x", exitUsage, "--epochs"},
		{"--epochs 0", exitUsage, "--epochs is 0"},
		{"--epochs -1", exitUsage, "--epochs is -1"},
		{"--epochs 1000000000", exitUsage, "from 0 to 100000"},
		{"--epochs 99999999999999999999", exitUsage, "--epochs"},
		{"--learning-rate nan", exitUsage, "--learning-rate is NaN"},
		{"--learning-rate inf", exitUsage, "--learning-rate is +Inf"},
		{"--learning-rate 0", exitUsage, "--learning-rate is 0"},
		{"--learning-rate 1e9", exitUsage, "--learning-rate is 1e+09"},
		{"--batch 0", exitUsage, "--batch is 0"},
		{"--batch 100000", exitUsage, "--batch is 100000"},
		{"--batch 60000", exitUsage, "--rounds 4 do not fit"},
		{"--rounds 0", exitUsage, "--rounds is 0"},
		{"--rounds 999", exitUsage, "--rounds 999 do not fit"},
		{"--certify-steps -1", exitUsage, "--certify-steps is -1"},
		{"--warm-up 0.9", exitUsage, "add up to 1.3"},
		{"--momentum 1", exitUsage, "--momentum is 1"},
		{"--seed -1", exitUsage, "--seed"},
		{"--seed 18446744073709551615", exitUsage, "largest number in TOML"},
		{"--model mlp:", exitUsage, "--model"},
		{"--model mlp:1", exitUsage, "from 2 to"},
		{"--model mlp:99999999999", exitUsage, "from 2 to"},
		{"--model mlp:65536-65536-65536", exitUsage, "parameters"},
		{"--model cnn:3", exitUsage, "there is no model \"cnn:3\"; it must be mlp:512-256"},
		{"--init zero", exitUsage, "--init"},
		{"--optimiser lion", exitUsage, "sgd, rmsprop, adam or adamw"},
		{"--schedule linear", exitUsage, "constant, cosine or step"},
		{"--activation swish", exitUsage, "relu, leaky-relu, gelu, tanh or relu6"},
		{"--weight-decay -1", exitUsage, "--weight-decay"},
		{"--clip-norm nan", exitUsage, "--clip-norm"},
		{"--label-smoothing 1", exitUsage, "--label-smoothing"},
		{"--class-weights 1,2,3", exitUsage, "--class-weights has 3 numbers, and idx:images has 2 classes"},
		{"--class-weights heavy", exitUsage, "--class-weights"},
		{"--patience 3", exitUsage, "try --validation"},
		{"--step-epochs 2", exitUsage, "--step-epochs is for --schedule step"},
		{"--step-factor 0.5 --schedule constant", exitUsage, "--step-factor is for --schedule step"},
		{"--game chess", exitUsage, "market, paper, ranking or off"},
		{"--game off", exitUsage, "--keep and --sparsity are for --game market"},
		{"--game paper", exitUsage, "--keep and --sparsity are for --game market"},
		{"--game ranking --criterion charm", exitUsage, "--criterion is \"charm\""},
		{"--shape 4-4", exitUsage, "--keep 8 and --shape 4-4 are both targets"},
		{"--game ranking --max-macs 9", exitUsage, "--keep 8 and --max-macs 9 are both targets"},
		{"--beta -1", exitUsage, "beta is -1"},
		{"--alpha nan", exitUsage, "alpha is NaN"},
		{"--benefit x", exitUsage, "benefit"},
		{"--update x", exitUsage, "--update"},
		{"--threshold 2", exitUsage, "--threshold is 2"},
		{"--validation 1", exitUsage, "--validation is 1"},
		{"--validation 0.999", exitUsage, "leaves none to train on"},
		{"--evaluate-on train", exitUsage, "--evaluate-on"},
		{"--evaluate-on validation", exitUsage, "--validation 0.1"},
		{"--baseline=maybe", exitUsage, "true or false"},
		{"--keep 0", exitUsage, "--keep is 0; it must be at least 2"},
		{"--keep -3", exitUsage, "it must be a number above 0, or a percentage"},
		{"--keep 1.5", exitUsage, "--keep is 1.5; it must be a whole number of players, or a percentage"},
		{"--keep 1%", exitUsage, "--keep 1% comes to --keep 0: "},
		{"--keep 3", exitUsage, "at least 4, 2 a layer"},
		{"--keep 17", exitUsage, "the network has 16"},
		{"--sparsity 0.5", exitUsage, "--keep 8 and --sparsity 0.5"},
		{"--max-params 500", exitUsage, "--keep 8 and --max-params 500"},
		{"--max-accuracy-drop 1", exitUsage, "--keep 8 and --max-accuracy-drop 1"},
		{"--cost gold", exitUsage, "players, parameters, macs or latency"},
		{"--latency-model file", exitUsage, "--cost latency and --max-latency-us"},
		{"--cost latency --latency-model file", exitUsage, "--latency-model file: invalid character"},
		{"--cost latency --latency-model nosuch", exitUsage, "nosuch"},
		{"--data-on-device here", exitUsage, "auto, resident or streamed"},
		{"--data-on-device streamed", exitUsage, "--data-on-device streamed is for devices with memory of their own, and cpu:0"},
		{"--data-on-device resident", exitUsage, "computes where the data lie: leave it out"},
		{"--data-on-device resident --dry-run", exitUsage, "computes where the data lie: leave it out"},
		{"--device gpu9", exitNoDevice, "no such device: \"gpu9\"; there is cpu:0"},
		{"--device cpu:9", exitNoDevice, "no such device: \"cpu:9\"; there is cpu:0"},
		{"--device absent:0", exitNoDevice, "its loader is missing"},
		{"--data=", exitUsage, "--data is \"\""},
		{"--data nosuch", exitUsage, "unknown data set"},
		{"--data ./nosuch", exitFailed, "no such folder"},
		{"--data ./file", exitFailed, "not a folder; a file of a table ends in .csv"},
		{"--data /dev/null", exitFailed, "/dev/null: not a folder; a file of a table ends in .csv"},
		{"--data ./full", exitFailed, "lacks train-images"},
		{"--data mnist", exitFailed, "NASHPRUNE_DATA"},
		{"--data new\nline", exitUsage, "unknown data set"},
		{"--out file", exitFailed, "--out"},
		{"--out file/below", exitFailed, "--out"},
		{"--out full", exitUsage, "not empty"},
		{"--out " + strings.Repeat("n", 300), exitFailed, "--out"},
		{"--resume full", exitUsage, "leave out --"},
		{"--resume full --out new", exitUsage, "leave out --"},
	} {
		t.Run(c.args, func(t *testing.T) {
			more := append([]string{"--keep", "8", "--out", "out"}, strings.Split(c.args, " ")...)
			if strings.HasPrefix(c.args, "--resume full") {
				more = append(more[:2], more[4:]...)
			}
			code, stdout, stderr := execute(t, train(more...)...)
			// The message has the path as it was given.
			refused(t, c.code, c.words, code, stdout, stderr)
			if _, err := os.Stat("out"); err == nil {
				t.Error("the folder of the run was made")
			}
		})
	}
}

// TestOtherCommandsRefuse is TestTrainRefuses for everything but a new run.
func TestOtherCommandsRefuse(t *testing.T) {
	atImages(t)
	succeed(t, train("--keep", "8", "--out", "run")...)
	succeed(t, train("--game", "off", "--out", "dense")...)
	model, err := os.ReadFile(filepath.Join("run", record.PrunedFile))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, "text", []byte("a text, and no network of any kind"))
	writeFile(t, "empty", nil)
	writeFile(t, "cut", model[:len(model)-1])
	writeFile(t, "longer", append(model[:len(model):len(model)], 0))
	writeFile(t, "huge", []byte("\xff\xff\xff\xff\xff\xff\xff\x7f{}"))
	if err := os.MkdirAll("killed", 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, "killed/config.toml", nil)
	writeFile(t, "killed/.nashprune-LITTER.tmp", []byte("half"))
	for _, c := range []struct {
		args  string
		code  int
		words string
	}{
		{"nosuch", exitUsage, "there is no command \"nosuch\""},
		{"reproduce book", exitUsage, "a command, such as paper"},
		{"reproduce paper --seeds 0", exitUsage, "--seeds is 0"},
		{"reproduce paper --jobs -1", exitUsage, "--jobs is -1"},
		{"reproduce paper --jobs 0", exitUsage, "--jobs is 0; it must be at least 1"},
		{"reproduce paper --out=", exitUsage, "--out"},
		{"reproduce paper --quick --data digits", exitUsage, "leave out --data"},
		{"reproduce paper --data nosuch --out none", exitUsage, "unknown data set"},
		{"--nosuch", exitUsage, "unknown flag"},
		{"compare --keep 15,x", exitUsage, "invalid argument \"15,x\" for \"--keep\" flag: it must be a number above 0, or a percentage"},
		{"compare --keep 1.5,8 --out out", exitUsage, "--keep has 1.5; it must have whole numbers of players"},
		{"nosuch --help", exitUsage, "there is no command \"nosuch\": see nashprune --help"},
		{"data nosuch -h", exitUsage, "there is no command \"nosuch\": see nashprune data --help"},
		{"help nosuch", exitUsage, "there is no command \"nosuch\""},
		{"help train nosuch", exitUsage, "there is no command \"train nosuch\""},
		{"completion tcl", exitUsage, "such as bash"},
		{"data nosuch", exitUsage, "such as list"},
		{"data list extra", exitUsage, "no arguments"},
		{"devices extra", exitUsage, "no arguments"},
		{"doctor extra", exitUsage, "no arguments"},
		{"parity extra", exitUsage, "no arguments"},
		{"parity --device gpu9", exitNoDevice, "\"gpu9\"; there is cpu:0"},
		{"parity --device cpu:9", exitNoDevice, "\"cpu:9\"; there is cpu:0"},
		{"parity --device absent", exitNoDevice, "its loader is missing"},
		{"version extra", exitUsage, "no arguments"},
		{"train --resume=", exitUsage, "--resume needs"},
		{"train --resume nosuch", exitUsage, "--resume nosuch: there is no such folder: name the folder of a run that was stopped"},
		{"train --resume text", exitUsage, "--resume text: there is no such folder"},
		{"train --resume run", exitUsage, "the run is finished"},
		{"train --resume killed", exitUsage, "there is no checkpoint.safetensors to go on from: name the folder of a run that was stopped, or train"},
		{"train --resume run --epochs 5", exitUsage, "leave out --epochs"},
		{"eval", exitUsage, "takes one run folder or model file"},
		{"eval run run", exitUsage, "takes one run folder or model file"},
		{"eval nosuch", exitFailed, "nosuch"},
		{"eval images", exitUsage, "holds no pruned.safetensors"},
		{"eval text", exitFailed, "load model text"},
		{"eval empty", exitFailed, "cut short"},
		{"eval cut", exitFailed, "cut short"},
		{"eval longer", exitFailed, "bytes follow"},
		{"eval huge", exitFailed, "header"},
		{"eval run --data digits:train=20,test=10", exitUsage, "784 features"},
		{"eval run --data nosuch", exitUsage, "unknown data set"},
		{"eval run --device gpu9", exitNoDevice, "gpu9"},
		{"explain", exitUsage, "takes one run folder"},
		{"explain nosuch", exitFailed, "nosuch"},
		{"explain text", exitFailed, "text"},
		{"explain killed", exitFailed, "killed"},
		{"explain dense", exitFailed, "without a game"},
		{"explain run --player 0", exitUsage, "it must be GATE:INDEX"},
		{"explain run --player 0:99999", exitUsage, "has the players 0 to"},
		{"explain run --player=", exitUsage, "it must be GATE:INDEX"},
		{"explain dense --json", exitFailed, "without a game"},
	} {
		t.Run(c.args, func(t *testing.T) {
			code, stdout, stderr := execute(t, strings.Split(c.args, " ")...)
			refused(t, c.code, c.words, code, stdout, stderr)
		})
	}
}

// TestDamagedImages: a message names the damaged file, and no run begins.
func TestDamagedImages(t *testing.T) {
	const images, labels = "images/train-images-idx3-ubyte", "images/t10k-labels-idx1-ubyte"
	for name, c := range map[string]struct {
		path   string
		damage func([]byte) []byte
		words  string
	}{
		"empty":     {images, func([]byte) []byte { return nil }, "truncated"},
		"cut":       {images, func(b []byte) []byte { return b[:len(b)-1] }, "truncated"},
		"longer":    {images, func(b []byte) []byte { return append(b, 0) }, "bytes follow"},
		"text":      {images, func([]byte) []byte { return []byte("some text") }, "not an IDX file"},
		"oversized": {images, func(b []byte) []byte { b[4] = 0xff; return b }, "more than"},
		"labels":    {labels, func([]byte) []byte { return append(idxHeader(0x801, 2), 0, 1) }, "40 images"},
		"damaged":   {labels, func([]byte) []byte { return []byte("\x1f\x8b\x08\x00 no gzip at all") }, "gzip"},
	} {
		t.Run(name, func(t *testing.T) {
			atImages(t)
			content, err := os.ReadFile(c.path)
			if err != nil {
				t.Fatal(err)
			}
			writeFile(t, c.path, c.damage(content))
			code, stdout, stderr := execute(t, train("--keep", "8", "--out", "out")...)
			refused(t, exitFailed, c.words, code, stdout, stderr)
			if _, err := os.Stat("out"); err == nil {
				t.Error("the folder of the run was made")
			}
		})
	}
}

// TestDivergence: the message says where, and what to do.
func TestDivergence(t *testing.T) {
	atImages(t)
	code, stdout, stderr := execute(t, train("--keep", "8", "--out", "out", "--model", "mlp:40-40-40",
		"--optimiser", "sgd", "--momentum", "0.99", "--learning-rate", "100")...)
	refused(t, exitFailed, "diverged in epoch 1 at learning rate 100", code, stdout, stderr)
	if !strings.Contains(stderr, "try --learning-rate 10") {
		t.Errorf("no suggestion in %q", stderr)
	}
}

// TestTargetsThatCannotBeHad are refused with what can, before anything is written.
func TestTargetsThatCannotBeHad(t *testing.T) {
	atImages(t)
	for _, c := range []struct{ args, words string }{
		{"--max-params 0", "--max-params is 0"},
		{"--max-params -5", "it must be a number above 0, or a percentage"},
		{"--max-params 0%", "a percentage of the dense network must be above 0 and at most 100"},
		{"--max-macs 101%", "a percentage of the dense network must be above 0 and at most 100"},
		{"--max-macs 1%", "--max-macs 1% ("},
		{"--max-params 10", "less than the least network has, with 2 players a layer: "},
		{"--max-macs 10", "less than the least network has, with 2 players a layer: "},
		{"--max-macs 10 --cost players", "less than the least network has, with 2 players a layer: "},
		{"--max-latency-us 1e-9", "less than the least network takes, with 2 players a layer, "},
		{"--max-latency-us nan", "it must be a number above 0"},
		{"--max-accuracy-drop 0 --validation 0.1", "--max-accuracy-drop is 0"},
		{"--max-accuracy-drop 1", "try --validation 0.1"},
		{"--max-params 500 --max-macs 500", "--max-params 500 and --max-macs 500"},
		{"--max-params 500 --game off", "are for --game market"},
		{"--max-accuracy-drop 1 --game ranking", "--max-accuracy-drop is for --game market; --game ranking takes --keep"},
		{"--max-accuracy-drop 1 --validation 0.1 --game ranking", "--max-accuracy-drop is for --game market"},
		{"--cost macs --game paper", "is for --game market"},
	} {
		t.Run(c.args, func(t *testing.T) {
			code, stdout, stderr := execute(t, train(append([]string{"--out", "out"}, strings.Fields(c.args)...)...)...)
			refused(t, exitUsage, c.words, code, stdout, stderr)
			if _, err := os.Stat("out"); err == nil {
				t.Error("the folder of the run was made")
			}
		})
	}
}

// TestOutIsLookedAtFirst: an impossible folder is refused before data is read.
func TestOutIsLookedAtFirst(t *testing.T) {
	atImages(t)
	writeFile(t, "file", nil)
	for _, out := range []string{"file", "file/below"} {
		code, stdout, stderr := execute(t, train("--keep", "8", "--out", out)...)
		refused(t, exitFailed, "--out: ", code, stdout, stderr)
		if runtime.GOOS != "windows" && strings.Contains(stderr, "reading ") {
			t.Errorf("%s: data is read first: %s", out, stderr)
		}
	}
}
