package report

import (
	"regexp"
	"strings"
	"testing"

	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
	"nashprune/trainer/record"
)

func TestDryRun(t *testing.T) {
	d := &record.DryRun{
		Device: record.Device{Name: "a device", DriverInfo: "its driver"},
		Data:   record.Data{Name: "digits", Train: 20_000, Test: 4_000, EvaluatedOn: backend.TestPart},
		Shape:  []int{784, 512, 10}, Players: 512, Keep: 20, Parameters: 407_050, MACs: 406_528, Epochs: 3, StepsPerEpoch: 157, Steps: 471,
		Memory: backend.MemoryPlan{Samples: 3 << 20, Parameters: 2 << 20, Moments: 4 << 20, Available: 20 << 30, Source: "memory of the device"},
	}
	write := func() string {
		var b strings.Builder
		if err := DryRun(&b, d); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	text := write()
	for _, pattern := range []string{
		`(?m)^device: +a device, its driver$`, `(?m)^shape: +784-512-10$`, `(?m)^players: +512, of which 20 stay$`, `(?m)^steps: +471, 157 in each of 3 epochs$`,
		`(?m)^ +moments +4\.00 MiB$`, `(?m)^ +memory in all +9\.00 MiB$`, `(?m)^ +memory of the device +20\.0 GiB$`,
	} {
		if !regexp.MustCompile(pattern).MatchString(text) {
			t.Errorf("nothing fits %s in\n%s", pattern, text)
		}
	}
	if strings.Contains(text, "gradients") {
		t.Errorf("it keeps no gradients:\n%s", text)
	}
	if !regexp.MustCompile(`(?m)^ +samples +3\.00 MiB$`).MatchString(text) {
		t.Errorf("the report does not say where the samples are:\n%s", text)
	}
	d.Target, d.Next = &cost.Target{Resource: cost.Bytes, Limit: 3000}, &record.NextRun{Players: "weights", Epochs: 2, MaxBytes: 3000}
	for _, words := range []string{"target:           at most 3,000 bytes\n", "The second removes weights of its network in 2 epochs, until the file has at most 3,000 bytes.\n"} {
		if text := write(); !strings.Contains(text, words) {
			t.Errorf("no %q in\n%s", words, text)
		}
	}
	d.Memory.Placement, d.Device.Samples = backend.Streamed, backend.Streamed
	for _, pattern := range []string{`(?m)^device: +a device, its driver, samples streamed$`, `(?m)^ +samples, streamed +3\.00 MiB$`} {
		if text := write(); !regexp.MustCompile(pattern).MatchString(text) {
			t.Errorf("nothing fits %s in\n%s", pattern, text)
		}
	}
	d.Memory.Available, d.Memory.Source = 0, "not known on plan9"
	if text := write(); !strings.Contains(text, "not known on plan9") {
		t.Errorf("\n%s", text)
	}
}
