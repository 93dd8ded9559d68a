# Everything a person or CI runs. `make help` lists it.

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME   ?= 60s
ORACLETIME ?= 60s
ORACLESEED ?= 1

# Where install puts things. mount(8) looks for its helpers in /sbin alone.
PREFIX  ?= /usr/local
SBINDIR ?= /sbin
PROGRAM ?= bin/ptsns

# On every OS. screen and hub need a module, all else the standard library alone.
CORE = ./pts ./termios ./wait ./ldisc ./job ./pty ./devpts ./paths ./cast ./recorder ./screen ./hub

.PHONY: help build install demo test deps check cross race single oracle fuzz bench clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST)

build: ## bin/ptsns, statically linked, so that it runs in any --root
	CGO_ENABLED=0 go build -o bin/ptsns ./cmd/ptsns

install: build ## PREFIX/bin/ptsns, and in SBINDIR what makes `mount -t ptsns` work; DESTDIR before both
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(SBINDIR)
	install -m 0755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/ptsns
	ln -sfn $(PREFIX)/bin/ptsns $(DESTDIR)$(SBINDIR)/mount.ptsns
	ln -sfn $(PREFIX)/bin/ptsns $(DESTDIR)$(SBINDIR)/mount.fuse.ptsns

demo: build ## two namespaces, both with /dev/pts/0, in twenty seconds
	demo/demo.sh bin/ptsns

test: deps check cross race single oracle ## everything that must pass, with the programs that the tests drive

deps: ## install those programs, where root can
	@scripts/deps.sh

check: ## gofmt, vet, staticcheck
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "gofmt -w these"; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...

cross: ## the packages that need no Linux, for the others
	@for target in linux/amd64 linux/386 darwin/arm64 windows/amd64 freebsd/amd64 js/wasm; do \
		export GOOS=$${target%/*} GOARCH=$${target#*/} CGO_ENABLED=0; echo $$target; \
		go build $(CORE) && go vet $(CORE) || exit 1; \
	done

race: ## all tests, with the race detector
	go test -race -timeout 10m ./...

single: ## all tests again on one processor
	GOMAXPROCS=1 go test -timeout 10m ./...

oracle: ## made-up conversations with the kernel's terminals and ours, for ORACLETIME, from ORACLESEED on (now: new ones)
	go run ./internal/oracle/cmd/oracle -time $(ORACLETIME) -seed $(ORACLESEED)

fuzz: ## each fuzz test for FUZZTIME, and the oracle
	$(MAKE) oracle ORACLETIME=$(FUZZTIME) ORACLESEED=now
	@for pkg in $$(go list ./...); do \
		for f in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "$$pkg $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
		done; \
	done

bench: build ## kernel, tap, mount and virtual side by side
	bin/ptsns bench

clean:
	rm -rf bin
