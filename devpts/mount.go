package devpts

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/ptsns/ptsns/pts"
)

// Mount is one mount of an instance. It implements pts.Instance for those who reach the
// instance through it: what they open keeps it busy.
type Mount struct {
	i     *Instance      // immutable
	by    Mounter        // immutable; who may have other ids to speak of at a remount
	opens int            // ends that were opened through it; guarded by i.mu
	gone  bool           // unmounted; guarded by i.mu
	flags pts.MountFlags // guarded by i.mu
	warn  []Warning      // guarded by i.mu
}

// Warning is an option that a mount ignored, where the kernel of that time said so on its
// console.
type Warning struct {
	Option string // the item as it was written
}

func (w Warning) String() string {
	return fmt.Sprintf("devpts: called with bogus options: %q is ignored", w.Option)
}

// Mount is `mount -t devpts -o options`: options are the data of mount(2), the words of
// mount(8) itself (nosuid) are EINVAL: see pts.SplitOptions and SetFlags. What is
// mounted depends on the generation. A refused option is a *pts.OptionError. In Cloned
// it is the initial namespace that is mounted; see Namespace.Mount.
func (s *System) Mount(m Mounter, options string) (*Mount, error) {
	o, warnings, err := s.parse(m, options, false)
	if err != nil {
		return nil, err
	}
	switch {
	case s.generation == Multiple && m.UserNS != nil && !o.NewInstance:
		return nil, pts.EINVAL // it would change the options of everybody
	case s.generation == Always, s.generation == Multiple && o.NewInstance:
		if _, _, ok := m.root(); !ok && s.generation == Multiple {
			return nil, pts.EINVAL
		}
		return s.newInstance(m, o).mount(m, warnings)
	}
	return s.initial.mountAgain(m, o, warnings)
}

// mount adds a mount.
func (i *Instance) mount(m Mounter, warnings []Warning) (*Mount, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.dead {
		return nil, pts.ENODEV
	}
	i.mounts++
	mount := &Mount{i: i, by: m, warn: warnings}
	if i.made == nil {
		i.made = mount
	}
	return mount, nil
}

// mountAgain adds a mount of an instance that exists, and takes over the options. Only
// a remount of it changes the node of ptmx too (mknod_ptmx finds it made).
func (i *Instance) mountAgain(m Mounter, o pts.Options, warnings []Warning) (*Mount, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.dead {
		return nil, pts.ENODEV
	}
	i.options = o
	i.mounts++
	return &Mount{i: i, by: m, warn: warnings}, nil
}

// Instance is what is mounted.
func (m *Mount) Instance() *Instance { return m.i }

// Bind is a bind mount: another mount of the same instance. EINVAL: m is unmounted.
func (m *Mount) Bind() (*Mount, error) {
	i := m.i
	i.mu.Lock()
	defer i.mu.Unlock()
	if m.gone {
		return nil, pts.EINVAL
	}
	if i.dead {
		return nil, pts.ENODEV
	}
	i.mounts++
	return &Mount{i: i, by: m.by, flags: m.flags}, nil
}

// Remount is `mount -o remount,options`: each option that is not given gets its default
// and ptmx the mode of ptmxmode, whatever chmod made of it. Terminals that exist stay
// as they are. An option that is refused changes nothing in Always; in the others those
// before it are in force then, and defaults for the rest.
func (m *Mount) Remount(options string) error {
	i := m.i
	o, warnings, err := i.system.parse(m.by, options, true)
	if err != nil && i.system.generation == Always {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if m.gone {
		return pts.EINVAL
	}
	if i.dead {
		return pts.ENODEV
	}
	o.NewInstance = i.options.NewInstance
	i.options = o
	m.warn = warnings
	if i.ptmx != nil && i.ns == nil {
		i.ptmx.mode = uint16(S_IFCHR | o.PtmxMode)
	}
	return err
}

// Unmount is umount(2): EBUSY while ends that were opened through this mount are open,
// EINVAL when it is unmounted already.
func (m *Mount) Unmount() error { return m.unmount(false) }

// Detach is `umount -l`: what is open stays open, and the instance with it. Whoever still has m
// reaches the instance through it, as a process does whose working directory it is.
func (m *Mount) Detach() error { return m.unmount(true) }

func (m *Mount) unmount(lazy bool) error {
	i := m.i
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case m.gone:
		return pts.EINVAL
	case m.opens > 0 && !lazy:
		return pts.EBUSY
	}
	m.gone = true
	i.mounts--
	if i.made == m {
		i.made = nil
	}
	i.endLocked()
	return nil
}

// Mounted tells whether it is not unmounted.
func (m *Mount) Mounted() bool {
	m.i.mu.Lock()
	defer m.i.mu.Unlock()
	return !m.gone
}

// SetFlags is mount_setattr(2): it sets what is of this mount alone. Through one with
// MountNoDev nothing can be opened.
func (m *Mount) SetFlags(f pts.MountFlags) {
	m.i.mu.Lock()
	defer m.i.mu.Unlock()
	m.flags = f
}

// Flags are what SetFlags set last.
func (m *Mount) Flags() pts.MountFlags {
	m.i.mu.Lock()
	defer m.i.mu.Unlock()
	return m.flags
}

// String is the mount's options as /proc/mounts shows them, "rw,relatime,mode=600,ptmxmode=000".
func (m *Mount) String() string {
	o, flags := m.Options(), m.Flags()
	if flags&pts.MountReadOnly != 0 {
		o.Flags |= pts.ReadOnly
	}
	words := []string{o.Flags.String(), flags.String(), m.i.system.show(o)}
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), ",")
}

// Options are the instance's.
func (m *Mount) Options() pts.Options { return m.i.Options() }

// Warnings are the options that the mount, or its last remount, ignored.
func (m *Mount) Warnings() []Warning {
	m.i.mu.Lock()
	defer m.i.mu.Unlock()
	return m.warn
}

// Root is the root directory of the mount.
func (m *Mount) Root() *Node { return m.i.rootNode(m) }

// Lookup finds a node of the root directory, reached through m.
func (m *Mount) Lookup(name string) (*Node, error) { return m.i.lookupNode(m, name) }

// ReadDir lists the root directory, reached through m: newest first, so ptmx last.
func (m *Mount) ReadDir() ([]*Node, error) { return m.i.readDir(m) }

// OpenPtmx opens the mount's ptmx; see Instance.OpenPtmx.
func (m *Mount) OpenPtmx(c pts.Caller, flags int) (pts.End, int, error) {
	return m.i.openPtmxByName(m, c, flags)
}

// OpenPts opens a terminal through the mount; see Instance.OpenPts.
func (m *Mount) OpenPts(c pts.Caller, index, flags int) (pts.End, error) {
	return m.i.openPtsByName(m, c, index, flags)
}

// Terminals yields the terminals whose ptm is open, by index.
func (m *Mount) Terminals() iter.Seq[pts.Info] { return m.i.Terminals() }

// Close is Detach.
func (m *Mount) Close() error { return m.Detach() }
