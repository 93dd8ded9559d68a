package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/server"
	"github.com/spf13/pflag"
)

// programFlags are the flags of the commands that start a program.
type programFlags struct {
	env  []string
	dir  string
	keys string
	size string
}

func (f *programFlags) add(flags *pflag.FlagSet) {
	flags.StringArrayVarP(&f.env, "env", "e", nil, "set `K=V` in the program's environment (repeatable)")
	flags.StringVarP(&f.dir, "workdir", "w", "", "start the program in `DIR`")
	flags.StringVar(&f.size, "size", "latest", "whose window the terminal's size follows, `WHOSE`: latest, largest, smallest or fixed")
	addDetachKeys(flags, &f.keys)
}

func addDetachKeys(flags *pflag.FlagSet, keys *string) {
	flags.StringVar(keys, "detach-keys", defaultDetachKeys, "the `KEYS` that leave the terminal: characters and ctrl-X, with commas between; \"\" for none")
}

// spec is the program as the server gets to see it, its terminal left out.
func (f *programFlags) spec(argv []string) (server.Spec, error) {
	for _, kv := range f.env {
		if key, _, ok := strings.Cut(kv, "="); !ok || key == "" {
			return server.Spec{}, usagef("-e %q: want K=V", kv)
		}
	}
	if _, err := hub.ParseSizing(f.size); err != nil {
		return server.Spec{}, usageError{err}
	}
	spec := server.Spec{Argv: argv, Env: mergeEnv(os.Environ(), f.env), Size: f.size, Who: localWho()}
	if f.dir != "" {
		dir, err := filepath.Abs(f.dir)
		if err != nil {
			return server.Spec{}, err
		}
		spec.Dir = dir
		return spec, nil
	}
	if dir, err := os.Getwd(); err == nil {
		spec.DirDefault = dir
	}
	return spec, nil
}

// mergeEnv is base with the variables of set in place of its own of those names:
// getenv finds the first of two.
func mergeEnv(base, set []string) []string {
	last := make(map[string]string, len(set))
	for _, kv := range set {
		key, _, _ := strings.Cut(kv, "=")
		last[key] = kv
	}
	var env []string
	for _, kv := range base {
		key, _, _ := strings.Cut(kv, "=")
		if _, replaced := last[key]; !replaced {
			env = append(env, kv)
		}
	}
	for _, kv := range set {
		key, _, _ := strings.Cut(kv, "=")
		if last[key] != "" {
			env = append(env, last[key])
			last[key] = ""
		}
	}
	return env
}
