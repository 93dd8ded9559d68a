//go:build linux

package oracle

import "testing"

// FuzzConversation lets the fuzzer choose what happens to a pair of each kind.
func FuzzConversation(f *testing.F) {
	for _, s := range []string{"", "abc", "\x00\x05\x10\x20\x30\x40\x50 some settings and some input"} {
		f.Add([]byte(s))
	}
	k, v := newTestKernel(f), NewVirtual()
	k.Looks = 2
	f.Fuzz(func(t *testing.T, data []byte) {
		compare(t, k, v, GenerateFrom(data))
	})
}

// The conversations of some seeds; cmd/oracle goes on from any.
func TestGenerated(t *testing.T) {
	conversations := uint64(1500)
	if testing.Short() {
		conversations = 100
	}
	k, v := newTestKernel(t), NewVirtual()
	k.Looks = 2
	for seed := range conversations {
		compare(t, k, v, Generate(seed))
	}
}

// And of some with processes.
func TestGeneratedJobs(t *testing.T) {
	conversations := uint64(60)
	if testing.Short() {
		conversations = 5
	}
	k, v := newTestKernel(t), NewVirtual()
	k.Looks, v.Bubble = 2, Parked
	for seed := range conversations {
		compare(t, k, v, GenerateJobs(seed))
	}
}

func compare(t *testing.T, k *Kernel, v *Virtual, c *Conversation) {
	t.Helper()
	d, err := Compare(k, v, c)
	if err != nil {
		t.Fatalf("%s: %v", c.Name, err)
	}
	if d != nil && Confirm(k, v, d) {
		t.Fatalf("package pty answers otherwise; if it is to stay so, this becomes a conversation:\n%s", Shrink(k, v, d))
	}
}
