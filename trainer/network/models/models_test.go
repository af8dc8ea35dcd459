package models_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nashprune/trainer/network"
	"nashprune/trainer/network/models"
)

var (
	mnist = network.Shape{1, 28, 28}
	cifar = network.Shape{3, 32, 32}
)

func graph(t *testing.T, words string, sample network.Shape) *network.Graph {
	t.Helper()
	m, err := models.Parse(words)
	if err != nil {
		t.Fatal(err)
	}
	g, err := m.Graph(sample, 10, network.ReLU, network.DefaultPlayers)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestNamedModelsHaveTheSizesOfTheLiterature: parameters and multiplications by hand. The
// literature leaves out those of batch norms.
func TestNamedModelsHaveTheSizesOfTheLiterature(t *testing.T) {
	const (
		lenet5 = (1*25*20 + 20) + (20*25*50 + 50) + (800*500 + 500) + (500*10 + 10)
		macs5  = 24*24*20*25 + 8*8*50*20*25 + 800*500 + 500*10

		// Of 16 channels: a stem, 3 blocks of 2 convolutions, then twice 3 blocks whose
		// first convolution doubles the channels beside a shortcut.
		stem, wide  = 3 * 9 * 16, 9 * 16 * 16
		norms       = 2*16 + 6*2*16 + 7*2*32 + 7*2*64
		resnet20    = stem + 6*wide + (2+5*4)*wide + (8+5*16)*wide + 16*32 + 32*64 + norms + 64*10 + 10
		resnetMACs  = 1024*(stem+6*wide) + 256*((2+5*4)*wide+16*32) + 64*((8+5*16)*wide+32*64) + 640
		more        = 6 * (1 + 4 + 16) * wide // of three blocks more a stage
		moreNorms   = 6 * 2 * (16 + 32 + 64)
		moreMACs    = 6 * wide * (1024 + 4*256 + 16*64)
		vggWeights  = 9 * (3*64 + 64*64 + 64*128 + 128*128 + 128*256 + 2*256*256 + 256*512 + 5*512*512)
		vggChannels = 2*64 + 2*128 + 3*256 + 6*512
		vgg16       = vggWeights + 2*vggChannels + 512*10 + 10
		vggMACs     = 9*(1024*(3*64+64*64)+256*(64*128+128*128)+64*(128*256+2*256*256)+16*(256*512+2*512*512)+4*3*512*512) + 5120
	)
	for _, c := range []struct {
		words            string
		sample           network.Shape
		parameters, macs int
		known            int // parameters that papers state
	}{
		{"lenet300", mnist, 266610, 266200, 266610},
		{"mlp:300-100", mnist, 266610, 266200, 266610},
		{"lenet5", mnist, lenet5, macs5, 431080},
		{"resnet20", cifar, resnet20, resnetMACs, 272474},
		{"resnet56", cifar, resnet20 + 2*(more+moreNorms), resnetMACs + 2*moreMACs, 855770},
		{"resnet110", cifar, resnet20 + 5*(more+moreNorms), resnetMACs + 5*moreMACs, 1730714},
		{"vgg16", cifar, vgg16, vggMACs, 14724042},
	} {
		g := graph(t, c.words, c.sample)
		macs := 0
		for _, load := range g.Loads(g.Sizes()) {
			if g.Nodes[load.Node].Op.Kind() != network.BatchNormKind {
				macs += load.MACs
			}
		}
		if g.ParameterCount() != c.parameters || c.parameters != c.known || macs != c.macs {
			t.Errorf("%s has %d parameters and %d multiply-accumulates, want %d (known: %d) and %d", c.words, g.ParameterCount(), macs, c.parameters, c.known, c.macs)
		}
	}
}

// TestResNetsHaveAStreamAStage: the channels of a stage are one gate at all its sums, and
// each block has filters of its own.
func TestResNetsHaveAStreamAStage(t *testing.T) {
	g := graph(t, "resnet14:8", cifar)
	want := []string{
		"conv1 channels 8: bn1 stage1.block1.bn2 stage1.block2.bn2",
		"stage1.block1.conv1 filters 8: stage1.block1.bn1",
		"stage1.block2.conv1 filters 8: stage1.block2.bn1",
		"stage2.block1.conv1 filters 16: stage2.block1.bn1",
		"stage2.block1.conv2 channels 16: stage2.block1.bn2 stage2.block1.shortcut.bn stage2.block2.bn2",
		"stage2.block2.conv1 filters 16: stage2.block2.bn1",
		"stage3.block1.conv1 filters 32: stage3.block1.bn1",
		"stage3.block1.conv2 channels 32: stage3.block1.bn2 stage3.block1.shortcut.bn stage3.block2.bn2",
		"stage3.block2.conv1 filters 32: stage3.block2.bn1",
	}
	if got := gates(g); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("gates are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func gates(g *network.Graph) []string {
	var gates []string
	for _, gate := range g.Gates {
		words := gate.Name + " " + string(gate.Kind) + " " + network.Shape{gate.Players}.String() + ":"
		for _, n := range gate.Points {
			words += " " + g.Nodes[n].Name
		}
		gates = append(gates, words)
	}
	return gates
}

func TestParseRefuses(t *testing.T) {
	for words, want := range map[string]string{
		"":               "there is no model",
		"lenet":          "there is no model",
		"mlp:1":          "want a whole number from 2",
		"resnet":         "N = 6n+2",
		"resnet18":       "N = 6n+2",
		"resnet2":        "N = 6n+2",
		"resnet20:1":     "WIDTH from 2",
		"resnet20:":      "WIDTH from 2",
		"resnet20:9:9":   "WIDTH from 2",
		"resnet1208":     "from 8 to 1202",
		"resnet20:70000": "WIDTH from 2",
		"nosuch.toml":    "no such file",
	} {
		if _, err := models.Parse(words); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error is %v, want one with %q", words, err, want)
		}
	}
}

func TestSamplesThatDoNotFitAreRefused(t *testing.T) {
	for _, c := range []struct {
		words  string
		sample network.Shape
		want   string
	}{
		{"lenet5", network.Shape{30}, "lenet5 takes images of channels, height and width, and the samples are 30 numbers without a shape"},
		{"lenet5", network.Shape{1, 8, 8}, `lenet5 for samples of 1x8x8: node 4, "conv2"`},
		{"vgg16", network.Shape{1, 28, 28}, `"stage5.pool": a kernel of 2x2 leaves nothing`},
	} {
		m, err := models.Parse(c.words)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Graph(c.sample, 10, network.ReLU, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want one with %q", c.words, err, c.want)
		}
	}
}

// TestAFileMakesWhatTheNameDoes: lenet5 and resnet8 by file are those by name.
func TestAFileMakesWhatTheNameDoes(t *testing.T) {
	for words, text := range map[string]string{"lenet5": lenetFile, "resnet8:4": resnetFile} {
		path := filepath.Join(t.TempDir(), "net.toml")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		sample := network.Shape{1, 28, 28}
		named, read := graph(t, words, sample), graph(t, path, sample)
		a, b := encode(t, named), encode(t, read)
		if a != b {
			t.Errorf("%s by name is\n%s\nby file\n%s", words, a, b)
		}
	}
}
