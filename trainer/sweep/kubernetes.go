//go:build !nokubernetes

package sweep

import (
	"cmp"
	"path"
	"strconv"
	"strings"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"nashprune/trainer/backend"
)

const (
	attempts   = 3 // after the first, of a run
	volumeName = "runs"
	gpuName    = core.ResourceName("nvidia.com/gpu")
)

// lastingCodes are exit codes after which another attempt would end likewise. A lost device and an
// interruption pass.
var lastingCodes = []int32{backend.ExitUsage, backend.ExitNoDevice, backend.ExitParity, backend.ExitOutOfMemory}

// Manifest returns an indexed job of Kubernetes, as YAML, that makes all runs; those that are
// done end at once. c.Image has the program. All pods mount the volume of c.Claim at mount, a path
// with slashes; there the folder is [Sweep.Dir].
func (s *Sweep) Manifest(c Cluster, mount string) (string, error) {
	if c.Image == "" || c.Claim == "" {
		return "", backend.Usagef("a job of Kubernetes needs --image, with the program, and --claim, of a volume that all pods share")
	}
	dir := s.Dir
	if !path.IsAbs(dir) {
		dir = path.Join(mount, dir)
	}
	if !strings.HasPrefix(dir, path.Clean(mount)+"/") {
		return "", backend.Usagef("--out is %s; it must lie below --mount %s, where pods have the volume", s.Dir, mount)
	}
	limits := core.ResourceList{}
	for _, asked := range []struct {
		name   core.ResourceName
		amount string
	}{{core.ResourceCPU, counted(c.CPUs)}, {gpuName, counted(c.GPUs)}, {core.ResourceMemory, c.Memory}} {
		if asked.amount == "" {
			continue
		}
		amount, err := resource.ParseQuantity(asked.amount)
		if err != nil || amount.Sign() <= 0 {
			return "", backend.Usagef("%s is %q; it must be an amount such as 2 or 4Gi", asked.name, asked.amount)
		}
		limits[asked.name] = amount
	}
	runs, parallel := int32(len(s.Cells)), int32(cmp.Or(c.Jobs, len(s.Cells)))
	job := batch.Job{
		TypeMeta:   meta.TypeMeta{APIVersion: "batch/v1", Kind: "Job"},
		ObjectMeta: meta.ObjectMeta{GenerateName: "nashprune-", Namespace: c.Namespace},
		Spec: batch.JobSpec{
			Completions: &runs, Parallelism: &parallel,
			CompletionMode:       new(batch.IndexedCompletion),
			BackoffLimitPerIndex: new(int32(attempts)),
			MaxFailedIndexes:     &runs,
			PodFailurePolicy: &batch.PodFailurePolicy{Rules: []batch.PodFailurePolicyRule{
				{Action: batch.PodFailurePolicyActionFailIndex, OnExitCodes: &batch.PodFailurePolicyOnExitCodesRequirement{
					Operator: batch.PodFailurePolicyOnExitCodesOpIn, Values: lastingCodes}},
				{Action: batch.PodFailurePolicyActionIgnore, OnPodConditions: []batch.PodFailurePolicyOnPodConditionsPattern{
					{Type: core.DisruptionTarget, Status: core.ConditionTrue}}},
			}},
			Template: core.PodTemplateSpec{Spec: core.PodSpec{
				RestartPolicy:                 core.RestartPolicyNever,
				TerminationGracePeriodSeconds: new(int64(notice)),
				Containers: []core.Container{{
					Name: "run", Image: c.Image, Command: append(c.Program[:len(c.Program):len(c.Program)], "sweep", "cell", dir),
					Resources:    core.ResourceRequirements{Requests: limits, Limits: limits},
					VolumeMounts: []core.VolumeMount{{Name: volumeName, MountPath: mount}},
				}},
				Volumes: []core.Volume{{Name: volumeName, VolumeSource: core.VolumeSource{
					PersistentVolumeClaim: &core.PersistentVolumeClaimVolumeSource{ClaimName: c.Claim}}}},
			}},
		},
	}
	text, err := yaml.Marshal(job)
	return string(text), err
}

// counted writes a number; nothing for none.
func counted(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
