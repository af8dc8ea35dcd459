package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
	"nashprune/trainer/memorytest"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

// TestPrecedence: flags over environment over file over defaults, and of --keep
// and --sparsity the one from the stronger source.
func TestPrecedence(t *testing.T) {
	for name, c := range map[string]struct {
		args        string
		environment map[string]string
		file        string
		want        func(settings.Config) bool
	}{
		"default":        {want: func(c settings.Config) bool { return c.Epochs == 20 }},
		"file":           {file: "epochs = 2", want: func(c settings.Config) bool { return c.Epochs == 2 }},
		"environment":    {"", map[string]string{"NASHPRUNE_EPOCHS": "3"}, "epochs = 2", func(c settings.Config) bool { return c.Epochs == 3 }},
		"flag":           {"--epochs 4", map[string]string{"NASHPRUNE_EPOCHS": "3"}, "epochs = 2", func(c settings.Config) bool { return c.Epochs == 4 }},
		"empty variable": {"", map[string]string{"NASHPRUNE_EPOCHS": ""}, "epochs = 2", func(c settings.Config) bool { return c.Epochs == 2 }},
		"every kind": {"", map[string]string{"NASHPRUNE_BASELINE": "true", "NASHPRUNE_SEED": "7", "NASHPRUNE_LEARNING_RATE": "0.5", "NASHPRUNE_GAME": "paper"}, "", func(c settings.Config) bool {
			return c.Baseline && c.Seed == 7 && c.LearningRate == 0.5 && c.Game == game.PaperGame
		}},
		"data set":                {"", map[string]string{"NASHPRUNE_DATASET": "mnist", "NASHPRUNE_DATA": "elsewhere"}, "", func(c settings.Config) bool { return c.Data == "mnist" && c.DataDir == "" }},
		"sparsity over keep":      {"--sparsity 0.5", nil, "keep = 9", func(c settings.Config) bool { return c.Keep == 0 && c.Sparsity == 0.5 }},
		"keep over sparsity":      {"", map[string]string{"NASHPRUNE_KEEP": "9"}, "sparsity = 0.5", func(c settings.Config) bool { return c.Keep == 9 && c.Sparsity == settings.Default().Sparsity }},
		"budget over keep":        {"--max-params 500", nil, "keep = 9", func(c settings.Config) bool { return c.Keep == 0 && c.MaxParameters == 500 }},
		"keep over a budget":      {"--keep 9", nil, "max-latency-us = 50", func(c settings.Config) bool { return c.Keep == 9 && c.MaxLatencyUS == 0 }},
		"cost follows its target": {"--keep 9", nil, "cost = \"macs\"\nmax-macs = 700", func(c settings.Config) bool { return c.Keep == 9 && c.MaxMACs == 0 && c.Cost == "" }},
		"cost stays":              {"--keep 9", nil, "cost = \"latency\"\nmax-macs = 700", func(c settings.Config) bool { return c.Keep == 9 && c.MaxMACs == 0 && c.Cost == cost.Latency }},
		"a part of players":       {"--keep 10%", nil, "sparsity = 0.5", func(c settings.Config) bool { return c.Keep == -10 }},
		"a part of all":           {"", nil, "max-macs = \"12.5%\"", func(c settings.Config) bool { return c.MaxMACs == -12.5 }},
		"a part, from a variable": {"", map[string]string{"NASHPRUNE_MAX_LATENCY_US": "50%"}, "keep = 9", func(c settings.Config) bool { return c.MaxLatencyUS == -50 && c.Keep == 0 }},
		"game over a budget":      {"--game off", nil, "max-accuracy-drop = 0.5", func(c settings.Config) bool { return c.MaxAccuracyDrop == 0 }},
		"game over keep":          {"--game off", nil, "keep = 9", func(c settings.Config) bool { return c.Keep == 0 }},
		"market and keep":         {"--game market", nil, "keep = 9", func(c settings.Config) bool { return c.Keep == 9 }},
		"whole for a float":       {"", nil, "learning-rate = 1", func(c settings.Config) bool { return c.LearningRate == 1 }},
		"a float's last bit":      {"", nil, "learning-rate = 0.1000000000000000055", func(c settings.Config) bool { return c.LearningRate == 0.1 }},
	} {
		t.Run(name, func(t *testing.T) {
			for variable, value := range c.environment {
				t.Setenv(variable, value)
			}
			config := settings.Default()
			flags := configFlags(&config)
			path := filepath.Join(t.TempDir(), "run.toml")
			writeFile(t, path, []byte(c.file))
			err := errors.Join(flags.Parse(strings.Fields(c.args)), settleFromEnvironment(flags), settleFromFile(flags, path), checkGiven(flags, config))
			if err != nil || !c.want(config) {
				t.Errorf("got %+v, %v", config, err)
			}
		})
	}
}

// TestEnvironmentOfTheRun: the flags that are no settings have variables, too.
func TestEnvironmentOfTheRun(t *testing.T) {
	atImages(t)
	writeFile(t, "run.toml", []byte("game = \"off\"\nepochs = 1\ndata = \"./images\"\nmodel = \"mlp:4\""))
	t.Setenv("NASHPRUNE_CONFIG", "run.toml")
	t.Setenv("NASHPRUNE_OUT", "out")
	t.Setenv("NASHPRUNE_JSON", "true")
	t.Setenv("NASHPRUNE_RESUME", "not a variable of ours")
	if stdout := succeed(t, "train"); !strings.HasPrefix(stdout, "{") {
		t.Errorf("stdout is no JSON: %q", stdout)
	}
	if _, err := os.Stat("out/result.json"); err != nil {
		t.Error(err)
	}
	t.Setenv("NASHPRUNE_DATASET", "digits") // of other images: eval must not care
	succeed(t, "eval", "out")
	t.Setenv("NASHPRUNE_DEVICE", "gpu9")
	code, stdout, stderr := execute(t, "eval", "out")
	refused(t, exitNoDevice, "gpu9", code, stdout, stderr)
}

func TestBadVariables(t *testing.T) {
	atImages(t)
	for variable, value := range map[string]string{
		"NASHPRUNE_EPOCHS": "many", "NASHPRUNE_BASELINE": "maybe", "NASHPRUNE_LEARNING_RATE": "nan",
		"NASHPRUNE_DATASET": "nosuch", "NASHPRUNE_SPARSITY": "1", "NASHPRUNE_CONFIG": "nosuch.toml",
	} {
		t.Run(variable, func(t *testing.T) {
			t.Setenv(variable, value)
			code, stdout, stderr := execute(t, "train", "--out", "out")
			refused(t, exitUsage, "", code, stdout, stderr)
			if _, err := os.Stat("out"); err == nil {
				t.Error("the folder of the run was made")
			}
		})
	}
}

// badConfigs are files that --config refuses, each with a part of the message.
var badConfigs = map[string]struct{ text, words string }{
	"unknown key":    {"nosuch = 1", `no setting "nosuch"`},
	"a flag, no key": {`out = "x"`, `no setting "out"`},
	"key of lines":   {`"a\nb" = 1`, `no setting "a\nb"`},
	"table":          {"[train]\nepochs = 1", `no setting "train"`},
	"dotted":         {"model.a = 1", "model takes a text in quotes"},
	"list":           {"epochs = [1]", "epochs takes a whole number"},
	"date":           {"epochs = 1979-05-27", "epochs takes a whole number"},
	"text":           {`epochs = "3"`, "epochs takes a whole number"},
	"fraction":       {"epochs = 2.0", "epochs takes a whole number"},
	"number":         {"model = 16", "model takes a text in quotes"},
	"truth":          {"baseline = 1", "baseline takes true or false"},
	"negative seed":  {"seed = -1", "seed"},
	"too large":      {"epochs = 99999999999999999999", "out of range"},
	"nan":            {"learning-rate = nan", "NaN"},
	"syntax":         {"epochs = = 1", "line 1"},
	"twice":          {"epochs = 1\nepochs = 2", "already"},
	"binary":         {"\x00\xff\xfe", "line 1"},
	"nested":         {"a = " + strings.Repeat("[", 10000), "10000 dots and brackets"},
	"nested a bit":   {"a = " + strings.Repeat("[", 100), "line 1"},
	"a long key":     {"a" + strings.Repeat(".a", 100_000) + " = 1", "dots and brackets"},
	"inline tables":  {"a = " + strings.Repeat("{a=", 100_000), "dots and brackets"},
	"both":           {"keep = 8\nsparsity = 0.5", "give one of them"},
	"keep of 0":      {"keep = 0", "it must be at least 2 players"},
	"huge":           {strings.Repeat("#", maxConfig+1), "at most"},
}

func TestBadConfigs(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, c := range badConfigs {
		t.Run(name, func(t *testing.T) {
			writeFile(t, "run.toml", []byte(c.text))
			code, stdout, stderr := execute(t, "train", "--config", "run.toml", "--out", "out")
			refused(t, exitUsage, c.words, code, stdout, stderr)
		})
	}
	for _, path := range []string{"", "nosuch.toml", "."} {
		code, stdout, stderr := execute(t, "train", "--config", path, "--out", "out")
		refused(t, exitUsage, "--config", code, stdout, stderr)
	}
	if _, err := os.Stat("out"); err == nil {
		t.Error("the folder of the run was made")
	}
}

// TestConfigReproducesRun: the config.toml of a run gives its bytes again.
func TestConfigReproducesRun(t *testing.T) {
	for name, more := range map[string][]string{
		"market": {"--sparsity", "0.4", "--validation", "0.1", "--learning-rate", "0.0123456789012345", "--seed", "9223372036854775807"},
		"paper":  {"--game", "paper", "--gamma", "0.01", "--optimiser", "sgd", "--momentum", "0.3"},
	} {
		t.Run(name, func(t *testing.T) {
			atImages(t)
			succeed(t, train(append(more, "--baseline", "--out", "first")...)...)
			succeed(t, "train", "--config", "first/config.toml", "--out", "second")
			for _, file := range []string{record.ConfigFile, record.PrunedFile, record.DenseFile, record.PlayersFile} {
				sameFile(t, filepath.Join("first", file), filepath.Join("second", file))
			}
		})
	}
}

// FuzzConfig: any configuration is taken or is a mistake of its writer, and what is taken
// means the same when it is written and read again.
func FuzzConfig(f *testing.F) {
	for _, c := range badConfigs {
		if len(c.text) < maxConfig {
			f.Add([]byte(c.text))
		}
	}
	f.Add([]byte("epochs = 3\r\nkeep = 9\ngame = 'market'\nlearning-rate = 1e-3"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var config settings.Config
		var err error
		// A key and its value are a few tokens of the parser each, and a place in
		// its maps. What nests as deep as is read takes three megabytes.
		memorytest.Within(t, memorytest.Bound{PerByte: 1024, Constant: 4 << 20}, func() int {
			config, err = configOf(string(text))
			return len(text)
		})
		if err != nil {
			if !errors.Is(err, backend.ErrUsage) {
				t.Errorf("%v is no mistake in usage", err)
			}
			return
		}
		var again strings.Builder
		if err := config.Write(&again); err != nil {
			t.Fatal(err)
		}
		if read, err := configOf(again.String()); err != nil || read != config {
			t.Errorf("%+v is read back as %+v, %v", config, read, err)
		}
	})
}

// configOf returns the resolved configuration that the text of a file alone asks
// for. No file is written: the disk would be slower than all else.
func configOf(text string) (settings.Config, error) {
	config := settings.Default()
	flags := configFlags(&config)
	if err := settleFromText(flags, text); err != nil {
		return config, backend.Usagef("%v", err)
	}
	if err := checkGiven(flags, config); err != nil {
		return config, err
	}
	return config.Resolve()
}
