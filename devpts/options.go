package devpts

import (
	"math"
	"strings"

	"github.com/ptsns/ptsns/pts"
)

// newerOptions are those that came with 2.6.29 and later.
var newerOptions = map[string]bool{"newinstance": true, "ptmxmode": true, "max": true}

// parse reads the data of mount(2) as the system's generation does. With an error come
// the defaults and what stood before the refused item.
func (s *System) parse(m Mounter, data string) (pts.Options, []Warning, error) {
	o := pts.DefaultOptions()
	var warnings []Warning
	for item := range strings.SplitSeq(data, ",") {
		if item == "" || item[0] == '=' && s.generation == Always {
			continue
		}
		key, _, _ := strings.Cut(item, "=")
		if s.generation != Always && newerOptions[key] && s.generation != Multiple {
			if s.generation == Cloned {
				return o, warnings, &pts.OptionError{Option: item, Err: pts.EINVAL}
			}
			warnings = append(warnings, Warning{Option: item})
			continue
		}
		next := o
		next.UID, next.GID = -1, -1
		if err := next.Set(item); err != nil {
			return o, warnings, err
		}
		if s.generation != Always && (next.Flags != 0 || max(next.UID, next.GID) > math.MaxInt32) {
			return o, warnings, &pts.OptionError{Option: item, Err: pts.EINVAL}
		}
		if err := m.translate(&next, item); err != nil {
			return o, warnings, err
		}
		if next.UID < 0 {
			next.UID = o.UID
		}
		if next.GID < 0 {
			next.GID = o.GID
		}
		o = next
	}
	return o, warnings, nil
}

// show is what /proc/mounts shows of o.
func (s *System) show(o pts.Options) string {
	text := o.String()
	if s.generation == Legacy || s.generation == Cloned {
		text, _, _ = strings.Cut(text, ",ptmxmode=")
	}
	return text
}
