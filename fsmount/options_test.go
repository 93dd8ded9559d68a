//go:build linux

package fsmount

import (
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSplit(t *testing.T) {
	for _, tt := range []struct {
		options string
		attrs   int
		super   []string
		rest    []string
	}{
		{"", 0, nil, nil},
		{"newinstance,ptmxmode=0666", 0, nil, []string{"newinstance", "ptmxmode=0666"}},
		{",,=x,mode=620,", 0, nil, []string{"mode=620"}},
		{"ro,nosuid,gid=5", unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID, []string{"ro"}, []string{"gid=5"}},
		{"ro,rw,nosuid,suid,sync", 0, []string{"ro", "rw", "sync"}, nil},
		{"noatime,strictatime", unix.MOUNT_ATTR_STRICTATIME, nil, nil},
		// a line of fstab, with what is for people and other programs
		{"defaults,noauto,nofail,user,x-systemd.automount,X-mount.mkdir,comment=a,user=joe,max=3", 0, nil, []string{"max=3"}},
	} {
		o := Split(tt.options)
		if o.Attrs != tt.attrs || !slices.Equal(o.Super, tt.super) || !slices.Equal(o.Rest, tt.rest) {
			t.Errorf("Split(%q) = %+v, want %#x, %q, %q", tt.options, o, tt.attrs, tt.super, tt.rest)
		}
	}
}
