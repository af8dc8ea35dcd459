# make run    train a dense network and prune it, on the digits that nashprune draws
# make test   everything that has to hold before a change lands
# make bench  the training step beside its matrix products
# make fuzz   every fuzz target for FUZZTIME each
# make stress training on Vulkan for STRESSTIME while memory is stirred, and under AddressSanitizer
# make bounds every kernel under GPU-assisted validation: what lavapipe clips is seen by nothing else
# make gpu    what a GPU does, in less than ten minutes, as JSON in a folder: times with each set of kernels, how they grow, and parity of each
# make tables  the runs behind the tables of testdata/mnist and testdata/compare, and the tables
# make onnxruntime  ONNX Runtime, which tests run files of ONNX in; it takes Node.js
# make licenses  the licences of the modules in the program, by a tool that go fetches
# make view   bin/nashprune with the window (--view); it names the packages that are missing
# make picture  the pictures in the README of a report and of the window; it takes Chromium, Xvfb and xdotool
# make views  what tests open reports and event files with; it takes Node.js, and Chromium from apt
# make shaders  the SPIR-V anew, for which it takes glslc and spirv-val

GO ?= go
# A run never overwrites another.
RUN := runs/digits$(if $(wildcard runs/digits),-$(shell date +%Y%m%d-%H%M%S))
FUZZTIME ?= 30s
STRESSTIME ?= 300s

# Tests use the real MNIST in the folder that NASHPRUNE_DATA names; without it they are skipped.

.PHONY: run build view packages window test tools format vet staticcheck race pure bench fuzz stress bounds gpu tables onnxruntime views picture licenses shaders clean

run: build
	bin/nashprune train --data digits --keep 38 --baseline --out $(RUN)

build:
	$(GO) build -o bin/nashprune ./cmd/nashprune

view: packages
	$(GO) build -tags glfw -o bin/nashprune ./cmd/nashprune

# What GLFW includes, and the Debian package of each.
HEADERS := stdlib.h:gcc stdlib.h:libc6-dev X11/Xlib.h:libx11-dev X11/Xcursor/Xcursor.h:libxcursor-dev \
  X11/extensions/Xrandr.h:libxrandr-dev X11/extensions/Xinerama.h:libxinerama-dev X11/extensions/XInput2.h:libxi-dev \
  X11/extensions/xf86vmode.h:libxxf86vm-dev GL/gl.h:libgl-dev
packages:
	@missing=; for header in $(HEADERS); do \
	  echo "#include <$${header%:*}>" | gcc -E - >/dev/null 2>&1 || missing="$$missing $${header#*:}"; \
	done; \
	[ -z "$$missing" ] || { echo "the window takes packages that are missing: apt-get install$$missing"; exit 1; }

test: tools format vet staticcheck race pure window
	@echo "make test: all passed"

# The race detector links with a C compiler; everything else comes with Go.
tools:
	@command -v gcc >/dev/null || { \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  $$sudo apt-get update -qq && $$sudo apt-get install -y -qq gcc libc6-dev; }

format:
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "run gofmt -w on:" $$unformatted; exit 1; }
	$(GO) mod verify
	$(GO) mod tidy -diff

vet:
	$(GO) vet ./...

# The version is pinned in go.mod.
staticcheck:
	$(GO) tool staticcheck ./...

# The race detector makes arithmetic several times slower: the long tests run without it, and all
# others with it.
race:
	CGO_ENABLED=1 $(GO) test -race -short -timeout 20m ./...
	CGO_ENABLED=1 $(GO) test -timeout 40m ./...

# Without a C compiler, and for other systems.
pure:
	CGO_ENABLED=0 $(GO) build ./...
	CGO_ENABLED=0 GOOS=windows $(GO) vet ./...
	CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 $(GO) vet ./...
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 $(GO) vet ./...

# The build with the window. Tests start a display of their own, by Xvfb. Where packages are
# missing nothing of it is tested, unless CI=true.
window:
	@if $(MAKE) -s packages; then \
	  set -ex; \
	  $(GO) vet -tags glfw ./gpu/window ./cmd/nashprune; \
	  $(GO) tool staticcheck -tags glfw ./gpu/window ./cmd/nashprune; \
	  $(GO) test -tags glfw -race -timeout 20m ./gpu/window; \
	  $(GO) test -tags glfw -run Window ./cmd/nashprune; \
	elif [ "$$CI" = true ]; then exit 1; else echo "so the window is not tested"; fi

tables: build
	testdata/tables.sh

bench:
	$(GO) test -run '^$$' -bench . ./...

fuzz:
	@for package in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
	    echo "$$package $$target"; \
	    $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$package || exit 1; \
	  done; \
	done

# GOGC=1 collects garbage all the time and MALLOC_PERTURB_ overwrites what C frees,
# so that memory that is freed too early is seen. Mesa's own leaks are not ours.
STRESS = $(GO) test -count 1 -timeout 30m -run TestTrainingUnderAnAllocatingGoroutine -v
stress:
	GOGC=1 MALLOC_PERTURB_=165 NASHPRUNE_STRESS=$(STRESSTIME) $(STRESS) ./gpu
	ASAN_OPTIONS=detect_leaks=0 NASHPRUNE_STRESS=20s $(STRESS) -asan ./gpu

bounds:
	NASHPRUNE_GPU_ASSISTED=1 $(GO) test -count 1 -timeout 30m -run EveryKernelStays ./gpu

# Each set of kernels beside the CPU, then everything; parity comes
# last, so that a bound that is broken leaves the times. Of 600 s it takes 40 for each
# set, 240 for everything and half a minute for PyTorch, where that is installed and sees
# the GPU. Parity takes 80 s even on llvmpipe.
GPU ?= vulkan
PYTHON ?= python3
GPUTIME ?= 40s
GPUSCALING ?= 240s
GPUOUT := runs/gpu-$(shell date +%Y%m%d-%H%M%S)
gpu: build
	mkdir -p $(GPUOUT)
	bin/nashprune devices --json >$(GPUOUT)/devices.json
	for set in vec4 tiled; do \
	  bin/nashprune bench --device $(GPU) --device cpu --kernels $$set --scaling=false --time $(GPUTIME) --json >$(GPUOUT)/bench-$$set.json || exit 1; \
	done
	bin/nashprune bench --time $(GPUSCALING) --json >$(GPUOUT)/bench.json
	@if $(PYTHON) -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; then \
	  $(PYTHON) testdata/timings/pytorch.py >$(GPUOUT)/pytorch.json || rm $(GPUOUT)/pytorch.json; \
	else echo "no PyTorch that sees a GPU: nothing to set beside ours"; fi
	bin/nashprune parity --device $(GPU) --kernels all --json >$(GPUOUT)/parity.json
	@echo "$(GPUOUT) holds everything"

# Its library for the CPU is in the package; scripts of packages are not run.
onnxruntime:
	cd testdata/onnxruntime && npm ci --ignore-scripts --no-audit --no-fund

licenses:
	GOFLAGS=-tags=glfw $(GO) run github.com/google/go-licenses@v1.6.0 report ./cmd/nashprune --ignore nashprune --template cmd/nashprune/licenses.tpl >licenses.txt
	{ printf 'The standard library of Go: BSD-3-Clause\n\n'; cat "$$($(GO) env GOROOT)/LICENSE" licenses.txt; } >cmd/nashprune/licenses.txt
	rm licenses.txt

views:
	cd testdata/views && npm ci --ignore-scripts --no-audit --no-fund

picture: view views
	testdata/views/window.sh bin/nashprune testdata/views/window.png
	folder=$$(mktemp -d) && bin/nashprune train --data digits --keep 38 --baseline --validation 0.1 --quiet --out $$folder/digits && \
	node testdata/views/picture.js $$folder/digits/report.html "$$(command -v chromium)" testdata/views/report.jpg && rm -r "$$folder"

shaders:
	$(GO) generate ./shaders

clean:
	rm -rf bin runs
