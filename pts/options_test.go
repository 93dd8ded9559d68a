package pts

import (
	"errors"
	"strings"
	"testing"
)

// What is refused and what it means is compared with the kernel in package devpts.
func TestParseOptions(t *testing.T) {
	o, err := ParseOptions("newinstance,gid=5,mode=620,ptmxmode=0666,max=010,ro,sync")
	if want := (Options{UID: -1, GID: 5, Mode: 0o620, PtmxMode: 0o666, Max: 8, NewInstance: true, Flags: ReadOnly | Synchronous}); err != nil || o != want {
		t.Errorf("got %+v, %v, want %+v", o, err, want)
	}
	if got, want := o.Flags.String()+" "+o.String(), "ro,sync gid=5,mode=620,ptmxmode=666,max=8"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	o, err = ParseOptions("mode=600,mode=8,x")
	var refused *OptionError
	if !errors.As(err, &refused) || refused.Option != "mode=8" || !errors.Is(err, EINVAL) || o != (Options{}) {
		t.Errorf("got %+v, %v", o, err)
	}
	if got, want := err.Error(), `devpts option "mode=8": invalid argument`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	o = DefaultOptions()
	if err := o.Set("max=1048577"); err == nil || o != DefaultOptions() {
		t.Errorf("%v, %+v", err, o)
	}
}

func TestSplitOptions(t *testing.T) {
	for _, x := range []struct {
		options string
		flags   MountFlags
		data    string
	}{
		{"", 0, ""},
		{"nosuid,noexec,gid=5,mode=620", MountNoSUID | MountNoExec, "gid=5,mode=620"},
		{"ro,defaults,nodev,dev,", MountReadOnly, "ro"},
		{"noatime,strictatime", MountStrictAtime, ""},
		{"nosuid=1,bogus", 0, "nosuid=1,bogus"},
	} {
		if flags, data := SplitOptions(x.options); flags != x.flags || data != x.data {
			t.Errorf("%q: got %#x, %q, want %#x, %q", x.options, flags, data, x.flags, x.data)
		}
	}
}

// What is accepted and shown is accepted again, and means the same.
func FuzzParseOptions(f *testing.F) {
	for _, s := range []string{"", "newinstance,gid=5,mode=620", "uid=0x10,max=-0", "mode=+7\n", ",,=,ro", "max=08"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		o, err := ParseOptions(s)
		if err != nil {
			var refused *OptionError
			if !errors.As(err, &refused) || !strings.Contains(","+s+",", ","+refused.Option+",") {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		again, err := ParseOptions(o.Flags.String() + "," + o.String())
		again.NewInstance = o.NewInstance
		if err != nil || again != o || o.Mode > 0o7777 || o.PtmxMode > 0o7777 || o.Max < 0 || o.Max > MaxTerminals || o.UID < -1 || o.GID < -1 {
			t.Errorf("%q: %+v, again %+v, %v", s, o, again, err)
		}
	})
}
