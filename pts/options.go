package pts

// Options are the options of a devpts mount.
type Options struct {
	UID, GID    int    // the owner of new terminals; -1: the opener
	Mode        uint32 // permission bits of new terminals
	PtmxMode    uint32 // permission bits of ptmx
	Max         int    // how many terminals there may be
	NewInstance bool   // the option was given; only an old kernel makes a difference of it
}
