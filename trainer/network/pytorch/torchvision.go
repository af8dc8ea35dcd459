package pytorch

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"nashprune/trainer/network"
)

// conv adds a convolution of the shape of a module, and returns its channels. Its padding
// keeps the size of images.
func (b *builder) conv(m module, channels, stride int, in ...int) (out int, err error) {
	shape := m.tensors["weight"].Shape
	if len(shape) != 4 || shape[1] == 0 || channels%shape[1] != 0 || shape[2]%2 == 0 || shape[3]%2 == 0 {
		return 0, fmt.Errorf("module %.80q has %s; it must be a convolution of an odd kernel over %d channels; %s", m.name, m.words(), channels, named)
	}
	o := &network.Conv2D{Out: shape[0], Window: network.Window{
		Kernel: [2]int{shape[2], shape[3]}, Stride: [2]int{stride, stride}, Padding: [2]int{shape[2] / 2, shape[3] / 2},
	}}
	if groups := channels / shape[1]; groups > 1 {
		o.Groups = groups
	}
	_, o.Bias = m.tensors["bias"]
	b.add(m.name, o, in...)
	return shape[0], nil
}

// residual returns the network of a ResNet of torchvision, or of its like for small images,
// whose first convolution has a kernel of 3; ok is false where names are others.
func (s *State) residual(sample network.Shape, activation network.Activation, players []network.PlayerKind) (n *network.Network, words string, ok bool, err error) {
	stem, has := s.get("conv1")
	_, first := s.get("layer1.0.conv1")
	head, last := s.get("fc", "linear")
	if !has || !first || !last {
		return nil, "", false, nil
	}
	fail := func(err error) (*network.Network, string, bool, error) { return nil, "", true, err }
	if len(sample) != 3 {
		return fail(fmt.Errorf("the file is a residual network, which reads channels, height and width, and samples are %s", sample))
	}
	b := builder{nodes: []network.Node{{Name: "input", Op: &network.Input{Sample: sample}}}}
	if !head.dense() {
		return fail(fmt.Errorf("module %.80q has %s; it must be a dense layer with a bias; %s", head.name, head.words(), named))
	}
	large := len(stem.tensors["weight"].Shape) == 4 && stem.tensors["weight"].Shape[2] == 7
	stride := 1
	if large {
		stride = 2
	}
	channels, err := b.conv(stem, sample[0], stride)
	if err != nil {
		return fail(err)
	}
	b.add("bn1", network.PyTorchBatchNorm())
	stream := b.add("relu", &network.Activate{Function: activation})
	if large {
		stream = b.add("maxpool", &network.MaxPool{Window: network.Square(3, 2, 1)})
	}
	stages := 0
	for layer := 1; ; layer++ {
		block := 0
		for ; ; block++ {
			at := fmt.Sprintf("layer%d.%d.", layer, block)
			if _, has := s.get(at + "conv1"); !has {
				break
			}
			stride := 1
			if layer > 1 && block == 0 {
				stride = 2
			}
			if stream, channels, err = s.block(&b, at, stream, channels, stride, activation); err != nil {
				return fail(err)
			}
		}
		if block == 0 {
			break
		}
		stages++
	}
	b.add("avgpool", &network.AveragePool{Global: true})
	b.add("flatten", &network.Flatten{})
	b.add(head.name, &network.Dense{Out: head.tensors["weight"].Shape[0]})
	assumed := "strides of 2 from the second stage on"
	if large {
		assumed = "a first convolution of stride 2, a max pool of 3x3 after it, " + assumed
	}
	n, err = s.built(b, players)
	return n, fmt.Sprintf("the graph is derived: a residual network of %d stages; assumed: %s, the activation %s", stages, assumed, activation), true, err
}

// block adds a block of two convolutions, or of three of which the second has the stride.
func (s *State) block(b *builder, at string, stream, channels, stride int, activation network.Activation) (node, out int, err error) {
	depth := 2
	if _, has := s.get(at + "conv3"); has {
		depth = 3
	}
	branch, width := stream, channels
	for i := 1; i <= depth; i++ {
		m, _ := s.get(fmt.Sprint(at, "conv", i))
		own := 1
		if i == depth-1 { // the first of two, the second of three
			own = stride
		}
		if width, err = b.conv(m, width, own, branch); err != nil {
			return 0, 0, err
		}
		branch = b.add(fmt.Sprint(at, "bn", i), network.PyTorchBatchNorm())
		if i < depth {
			branch = b.add(fmt.Sprint(at, "relu", i), &network.Activate{Function: activation})
		}
	}
	if m, has := s.get(at+"downsample.0", at+"shortcut.0"); has {
		if _, err = b.conv(m, channels, stride, stream); err != nil {
			return 0, 0, err
		}
		stream = b.add(strings.TrimSuffix(m.name, "0")+"1", network.PyTorchBatchNorm())
	}
	b.add(at+"add", &network.Add{}, branch, stream)
	return b.add(at+"relu", &network.Activate{Function: activation}), width, nil
}

// feature and classifier are the modules of a VGG of torchvision.
var (
	feature    = regexp.MustCompile(`^features\.\d{1,3}$`)
	classifier = regexp.MustCompile(`^classifier(\.\d{1,3})?$`)
)

// vgg returns the network of a VGG of torchvision; ok is false where names are others. Places
// that are left out in the sequence are an activation, or an activation and a pool.
func (s *State) vgg(sample network.Shape, activation network.Activation, players []network.PlayerKind) (n *network.Network, words string, ok bool, err error) {
	var features, dense []module
	for _, m := range slices.SortedFunc(slices.Values(s.modules), byNumbers) {
		switch {
		case feature.MatchString(m.name):
			features = append(features, m)
		case classifier.MatchString(m.name) && m.dense():
			dense = append(dense, m)
		default:
			return nil, "", false, nil
		}
	}
	if len(features) == 0 || len(dense) == 0 {
		return nil, "", false, nil
	}
	fail := func(err error) (*network.Network, string, bool, error) { return nil, "", true, err }
	if len(sample) != 3 {
		return fail(fmt.Errorf("the file is a VGG, which reads channels, height and width, and samples are %s", sample))
	}
	b := builder{nodes: []network.Node{{Name: "input", Op: &network.Input{Sample: sample}}}}
	channels, height, width := sample[0], sample[1], sample[2]
	pools := 0
	for i, m := range features {
		if len(m.tensors["weight"].Shape) == 1 {
			b.add(m.name, network.PyTorchBatchNorm())
		} else if channels, err = b.conv(m, channels, 1); err != nil {
			return fail(err)
		}
		gap := 2 // the last has both
		if i+1 < len(features) {
			gap, _ = between(m.name, features[i+1].name)
		}
		at, _ := place(m.name)
		switch gap {
		case 0:
			continue
		case 1, 2:
			b.add("features."+strconv.Itoa(at+1), &network.Activate{Function: activation})
		default:
			return fail(fmt.Errorf("modules %q and %q leave out %d places; an activation and a pool are 1 or 2; %s", m.name, features[i+1].name, gap, named))
		}
		if gap == 2 {
			b.add("features."+strconv.Itoa(at+2), &network.MaxPool{Window: network.Square(2, 2, 0)})
			pools, height, width = pools+1, height/2, width/2
		}
	}
	b.add("flatten", &network.Flatten{})
	if reads := dense[0].tensors["weight"].Shape[1]; reads != channels*height*width {
		return fail(fmt.Errorf("module %q reads %d numbers, and %d channels of %dx%d come out of the features for samples of %s; the network is for images of another size, or pools adaptively; %s",
			dense[0].name, reads, channels, height, width, sample, named))
	}
	for l, m := range dense {
		if l > 0 {
			b.add(after(dense[l-1].name, "act"), &network.Activate{Function: activation})
		}
		b.add(m.name, &network.Dense{Out: m.tensors["weight"].Shape[0]})
	}
	n, err = s.built(b, players)
	return n, fmt.Sprintf("the graph is derived: a VGG with %d pools; assumed: max pools of 2x2 where two places are left out and at the end, the activation %s, no dropout", pools, activation), true, err
}
