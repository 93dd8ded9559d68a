package paths_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ptsns/ptsns/devpts"
)

// FuzzLayouts runs made-up scripts on the kernel and on the model.
func FuzzLayouts(f *testing.F) {
	for seed := range uint64(40) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		made := makeUp(seed, 150)
		for _, wrong := range onKernel(t, func(k *kernel) []string { return compare(made, k, newModel(devpts.Always)) }) {
			t.Errorf("seed %d: %s", seed, wrong)
		}
	})
}

// compare runs the lines on both, and tells of the first that comes out otherwise.
func compare(lines []string, k *kernel, m *model) []string {
	defer k.close()
	defer m.close()
	for i, line := range lines {
		kernel, model := step(line, k), step(line, m)
		for _, unknown := range []string{"0/", "pts 0/"} { // it cannot be told whose
			if rest, ok := strings.CutPrefix(kernel, unknown); ok {
				_, index, _ := strings.Cut(model, "/")
				kernel, model = rest, index
			}
		}
		if kernel != model {
			return []string{fmt.Sprintf("%s: the kernel has %s, the model %s; after\n%s", line, kernel, model, strings.Join(lines[:i], "\n"))}
		}
	}
	return nil
}
