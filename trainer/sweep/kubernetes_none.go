//go:build nokubernetes

package sweep

import "nashprune/trainer/backend"

// Manifest says that this build has no part for Kubernetes.
func (s *Sweep) Manifest(Cluster, string) (string, error) {
	return "", backend.Usagef("this build has no part for Kubernetes: build without the tag nokubernetes")
}
