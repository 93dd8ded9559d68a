package oracle

import (
	"testing"
	"testing/synctest"
)

// Package pty answers as the kernel did, on any OS.
func TestVirtual(t *testing.T) {
	for _, c := range conversations(t) {
		t.Run(c.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := NewVirtual()
				v.Bubble = synctest.Wait
				bad, err := NewRunner(v).Run(c, false)
				if err != nil {
					t.Fatal(err)
				}
				reason := c.Header["differs"]
				if reason != "" && len(bad) == 0 {
					t.Errorf("it differs no longer (%s): take the reason out, and its line in DIFFERENCES.md", reason)
				}
				for _, m := range bad {
					if reason == "" {
						t.Errorf("package pty answers otherwise: %v", m)
					}
				}
			})
		})
	}
}
