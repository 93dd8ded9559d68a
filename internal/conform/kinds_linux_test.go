package conform

import "testing"

// TestKernel: the kernel is right, and what stands in the files is what it answers.
func TestKernel(t *testing.T) { conform(t, kernel(t)) }

// TestMounted asks virtual instances through their mount.
func TestMounted(t *testing.T) { conform(t, mounted(t)) }
