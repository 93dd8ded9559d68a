package pts

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// MaxTerminals is how many terminals an instance can have at most, and the value of
// max= when it is not given: minor numbers have 20 bits.
const MaxTerminals = MaxIndex + 1

// Options are the options of a devpts mount. The zero value is not the default; see
// DefaultOptions.
type Options struct {
	UID, GID    int        // the owner of new terminals; -1: the opener
	Mode        uint32     // permission bits of new terminals
	PtmxMode    uint32     // permission bits of ptmx
	Max         int        // how many terminals there may be; 0 is no limit since Linux 4.7
	NewInstance bool       // the option was given; only an old kernel makes a difference of it
	Flags       SuperFlags // what the data of any file system may set
}

// SuperFlags are the flags of a file system that mount(2) takes from its data too. No
// terminal behaves differently for them.
type SuperFlags uint8

const (
	ReadOnly    SuperFlags = 1 << iota // ro
	Synchronous                        // sync
	DirSync                            // dirsync
	Mandatory                          // mand
	LazyTime                           // lazytime
)

// superFlags says what each word does.
var superFlags = map[string]struct{ set, clear SuperFlags }{
	"ro": {set: ReadOnly}, "rw": {clear: ReadOnly},
	"sync": {set: Synchronous}, "async": {clear: Synchronous},
	"dirsync": {set: DirSync},
	"mand":    {set: Mandatory}, "nomand": {clear: Mandatory},
	"lazytime": {set: LazyTime}, "nolazytime": {clear: LazyTime},
}

// DefaultOptions are those of a mount without any.
func DefaultOptions() Options {
	return Options{UID: -1, GID: -1, Mode: 0o600, Max: MaxTerminals}
}

// OptionError is the refusal of one item of an option string. Unwrap gives the errno.
type OptionError struct {
	Option string // the item as it was written, "mode=8"
	Err    error
}

func (e *OptionError) Error() string { return fmt.Sprintf("devpts option %q: %v", e.Option, e.Err) }
func (e *OptionError) Unwrap() error { return e.Err }

// optionTable is what devpts itself knows: how each value is read and where it goes.
// base 0 is C's: 0x10 and 010 are not ten.
var optionTable = map[string]struct {
	base   int
	limit  uint64
	signed bool // in the kernel; of negative numbers, -0 alone is within the limits
	put    func(o *Options, n uint64)
}{
	"uid":      {0, 1<<32 - 2, false, func(o *Options, n uint64) { o.UID = int(n) }},
	"gid":      {0, 1<<32 - 2, false, func(o *Options, n uint64) { o.GID = int(n) }},
	"mode":     {8, 1<<32 - 1, false, func(o *Options, n uint64) { o.Mode = uint32(n) & 0o7777 }},
	"ptmxmode": {8, 1<<32 - 1, false, func(o *Options, n uint64) { o.PtmxMode = uint32(n) & 0o7777 }},
	"max":      {0, MaxTerminals, true, func(o *Options, n uint64) { o.Max = int(n) }},
}

// ParseOptions reads the data of mount(2) for a devpts as Linux 6.18 does: on top of the
// defaults, the last of two wins, empty items are skipped. A refusal is an
// *OptionError. Words that mount(8) keeps to itself, nosuid say, are refused here as
// the kernel refuses them.
func ParseOptions(data string) (Options, error) {
	o := DefaultOptions()
	for item := range strings.SplitSeq(data, ",") {
		if item == "" || item[0] == '=' {
			continue
		}
		if err := o.Set(item); err != nil {
			return Options{}, err
		}
	}
	return o, nil
}

// Set applies one item, "mode=620". When it is refused, with an *OptionError, o is as it
// was. An id that an int does not hold is refused, where that has 32 bits.
func (o *Options) Set(item string) error {
	refused := &OptionError{Option: item, Err: EINVAL}
	key, value, hasValue := strings.Cut(item, "=")
	if f, ok := superFlags[key]; ok {
		o.Flags = o.Flags&^f.clear | f.set
		return nil
	}
	if key == "newinstance" && !hasValue {
		o.NewInstance = true
		return nil
	}
	d, known := optionTable[key]
	if !known || !hasValue {
		return refused
	}
	zero := d.signed && strings.HasPrefix(value, "-0")
	if zero {
		value = value[1:]
	}
	n, ok := number(value, d.base)
	if !ok || n > d.limit || zero && n != 0 || d.base == 0 && n > math.MaxInt {
		return refused
	}
	d.put(o, n)
	return nil
}

// number reads what the kernel's own conversion takes: no sign but a plus, no
// underscores, 0x and 0 for other bases where base is 0, and one newline at the end.
func number(s string, base int) (uint64, bool) {
	s = strings.TrimSuffix(strings.TrimPrefix(s, "+"), "\n")
	if base == 0 {
		base = 10
		if len(s) > 1 && s[0] == '0' {
			base = 8
			if len(s) > 2 && (s[1] == 'x' || s[1] == 'X') {
				base, s = 16, s[2:]
			}
		}
	}
	n, err := strconv.ParseUint(s, base, 32)
	return n, err == nil && s != "" && s[0] != '+' && s[0] != '-'
}

// String is what /proc/mounts shows after "rw,relatime,", without the flags.
func (o Options) String() string {
	var b strings.Builder
	if o.UID >= 0 {
		fmt.Fprintf(&b, "uid=%d,", o.UID)
	}
	if o.GID >= 0 {
		fmt.Fprintf(&b, "gid=%d,", o.GID)
	}
	fmt.Fprintf(&b, "mode=%03o,ptmxmode=%03o", o.Mode, o.PtmxMode)
	if o.Max < MaxTerminals {
		fmt.Fprintf(&b, ",max=%d", o.Max)
	}
	return b.String()
}

// String is what /proc/mounts shows before a mount's own options: "rw" or "ro", then
// the others.
func (f SuperFlags) String() string {
	s := "rw"
	if f&ReadOnly != 0 {
		s = "ro"
	}
	for _, w := range []struct {
		flag SuperFlags
		word string
	}{{Synchronous, ",sync"}, {DirSync, ",dirsync"}, {Mandatory, ",mand"}, {LazyTime, ",lazytime"}} {
		if f&w.flag != 0 {
			s += w.word
		}
	}
	return s
}
