package devpts

import (
	"math"
	"strings"

	"github.com/ptsns/ptsns/pts"
)

// oldOptions are those there were before 4.7; true: since 2.6.29 and where
// CONFIG_DEVPTS_MULTIPLE_INSTANCES is set.
var oldOptions = map[string]bool{"uid": false, "gid": false, "mode": false, "newinstance": true, "ptmxmode": true, "max": true}

// parse reads the data of mount(2) as the system's generation does. With an error come
// the defaults and what stood before the refused item.
//
// In Legacy an item that the kernel does not know is ignored with a warning, as
// Documentation/filesystems/devpts.txt has it: its parser refuses them, but nobody asks for the
// result of a mount (mount_single), only for that of a remount. (The kernel reads nothing
// after such an item; here the rest counts.)
func (s *System) parse(m Mounter, data string, remount bool) (pts.Options, []Warning, error) {
	o := pts.DefaultOptions()
	var warnings []Warning
	for item := range strings.SplitSeq(data, ",") {
		if item == "" || item[0] == '=' && s.generation == Always {
			continue
		}
		next, err := s.apply(m, o, item)
		if err == nil {
			o = next
			continue
		}
		key, _, _ := strings.Cut(item, "=")
		if s.generation != Legacy || remount && !oldOptions[key] {
			return o, warnings, err
		}
		warnings = append(warnings, Warning{Option: item})
	}
	return o, warnings, nil
}

// apply is o with one item more.
func (s *System) apply(m Mounter, o pts.Options, item string) (pts.Options, error) {
	refused := &pts.OptionError{Option: item, Err: pts.EINVAL}
	key, value, _ := strings.Cut(item, "=")
	if s.generation != Always {
		newer, known := oldOptions[key]
		if !known || newer && s.generation != Multiple || strings.ContainsAny(value, "+\n") {
			return o, refused
		}
	}
	next := o
	next.UID, next.GID = -1, -1
	if err := next.Set(item); err != nil {
		return o, err
	}
	if s.generation != Always && max(next.UID, next.GID) > math.MaxInt32 {
		return o, refused // it was an int
	}
	if !m.translate(&next) {
		return o, refused
	}
	if next.UID < 0 {
		next.UID = o.UID
	}
	if next.GID < 0 {
		next.GID = o.GID
	}
	return next, nil
}

// show is what /proc/mounts shows of o.
func (s *System) show(o pts.Options) string {
	text := o.String()
	if s.generation == Legacy || s.generation == Cloned {
		text, _, _ = strings.Cut(text, ",ptmxmode=")
	}
	return text
}
