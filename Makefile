# scale-eval: what a developer runs. `make help` lists the targets.
GO         ?= go
PKG        := ./...
BIN        := bin/scale-eval
FUZZTIME   ?= 10s
BENCH      ?= .
BENCHCOUNT ?= 6
THEORY     ?= 6000
N          ?= 10000
SEED       ?= 1
E2E        ?= .
CONFORMANCE_CACHE ?= $(CURDIR)/.cache/conformance
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: help build check test bench fuzz golden theory promises conformance proto e2e sidebyside soak

help: ## list the targets
	@grep -hE '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

build: ## build the command into bin/
	$(GO) build -trimpath -o $(BIN) ./cmd/scale-eval

check: ## formatting, modules, vet, staticcheck, import graph
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "gofmt -w these:"; echo "$$unformatted"; exit 1; fi
	$(GO) mod tidy -diff
	@cd sim/conformance && $(GO) list -m all >/dev/null # its go.mod goes with ours, and no other target here reads it
	$(GO) vet $(PKG)
	$(GO) run $(STATICCHECK) $(PKG)
	$(GO) test -count=1 -run 'TestImportGraph|TestPureRooms' .

test: ## every test; real data through SCALE_EVAL_DATA, River's scores through SCALE_EVAL_GOLDEN
	$(GO) test $(PKG)

bench: ## benchmarks, ready for benchstat (BENCH=regexp BENCHCOUNT=n)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -count $(BENCHCOUNT) $(PKG)

fuzz: ## every fuzz target for FUZZTIME, one a core
	@.ci/fuzz $(FUZZTIME)

proto: ## Go code of the proto files in live/stream and live/keda
	cd .ci/proto && $(GO) run .

golden: ## River's recorded scores, bit for bit (needs SCALE_EVAL_GOLDEN)
	@test -n "$$SCALE_EVAL_GOLDEN" || { echo "set SCALE_EVAL_GOLDEN to the folder with index.json"; exit 2; }
	$(GO) test -count=1 -v -run 'TestGolden' ./hst

e2e: ## live mode against the real Collector, API server, etcd, KWOK and Tempo (first build: minutes; E2E=regexp)
	$(GO) vet -tags e2e ./live/e2e
	$(GO) test -tags e2e -count=1 -v -timeout 3h -parallel 8 -run '$(E2E)' ./live/e2e

sidebyside: ## the Collector's samplers and ours under one load, DURATION each (default 20s): docs/live-side-by-side.md
	$(GO) test -tags e2e -count=1 -v -timeout 2h -run 'TestSideBySide' ./live/e2e -sidebyside $(or $(DURATION),20s) -table $(CURDIR)/docs/live-side-by-side.md

soak: ## live mode at 80 % of what it can, for DURATION (default 30m)
	$(GO) test -tags e2e -count=1 -v -timeout 4h -run 'TestSoak' ./live/e2e -soak $(or $(DURATION),30m)

theory: ## the simulator against every closed form, to 1 % or THEORY million events each
	$(GO) test -count=1 -v -timeout 4h -run '^TestTheory' ./sim -theory $(THEORY)

promises: ## every scenario without scaling, with its cure and with its traps; the fluid bounds
	$(GO) test -count=1 -v -timeout 1h ./sim/scenario -promises

conformance: ## our HPA beside the real Kubernetes controller, on N random histories from SEED on (first build: minutes)
	cd sim/conformance && GOCACHE=$(CONFORMANCE_CACHE) $(GO) vet . && \
	  GOCACHE=$(CONFORMANCE_CACHE) $(GO) test -count=1 -v -timeout 2h . -histories $(N) -seed $(SEED)
