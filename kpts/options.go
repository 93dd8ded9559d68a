//go:build linux

package kpts

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/pts"
)

var _ pts.Instance = (*Instance)(nil)

// Options are what the instance was mounted, or remounted last, with, as mountinfo
// shows them. The ids in it are those of the initial user namespace. Of an instance
// that is mounted nowhere in this mount namespace the kernel tells nothing: then they
// are the defaults, with ptmx's mode.
func (i *Instance) Options() pts.Options {
	dev, err := i.Dev()
	if err == nil {
		if o, ok := mounted(dev); ok {
			return o
		}
	}
	o := pts.DefaultOptions()
	if st, err := i.Stat(); err == nil {
		o.PtmxMode = st.Mode & 0o7777
	}
	return o
}

// mounted finds the options of the devpts that has the device number dev.
func mounted(dev uint64) (pts.Options, bool) {
	data, err := os.ReadFile("/proc/thread-self/mountinfo")
	if err != nil {
		return pts.Options{}, false
	}
	number := fmt.Sprintf("%d:%d", unix.Major(dev), unix.Minor(dev))
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) < 9 || f[2] != number || f[len(f)-3] != "devpts" {
			continue
		}
		o, err := pts.ParseOptions(f[len(f)-1])
		return o, err == nil
	}
	return pts.Options{}, false
}
