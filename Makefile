# Arngate. `make help` lists what can be made. `run`, `test` and `build` need Go and nothing else.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# What the checks need is kept out of the repository: a Python environment, a Docker engine's data.
export ARNGATE_TOOLS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/arngate

FUNCTIONS := configuration auditapi auditworker auditschedule dynamodb s3 lambda
TOOL := go tool -modfile=.ci/tools/go.mod
PACKAGES ?= ./...

# What Lambda runs: no RPC of the old go1.x runtime, no paths of this machine, nothing of the checkout, no symbols, no C.
LAMBDA_BUILD := CGO_ENABLED=0 GOOS=linux go build -tags lambda.norpc -trimpath -buildvcs=false -ldflags "-s -w"

.PHONY: help
help: ## list every target
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

.PHONY: run
run: ## build and start the gateway and a local AWS on loopback; ARGS="..." passes options
	@mkdir -p bin
	@echo "Building the local server (the first time takes a minute or two) ..."
	@go build -o bin/local ./functions/local
	@exec bin/local $(ARGS)

.PHONY: test
test: ## run all tests, with the race detector where there is a C compiler
	@.ci/test $(PACKAGES)

.PHONY: transfer
transfer: ## send a file of over 300 MB to the local AWS in parts and back, and one of 200 MB as a browser does
	go test ./functions/s3 -count=1 -run 'TestLargeFile|TestTaskABrowserUpload' -args -transfer 320

.PHONY: check
check: ## check format, lint, vet, dead code, licences, OpenAPI and template
	@.ci/check

.PHONY: format
format: ## format the Go code
	$(TOOL) gofumpt -w functions shared
	$(TOOL) goimports -local github.com/arngate/arngate -w functions shared

.PHONY: build
build: $(FUNCTIONS:%=dist/linux-arm64/%/bootstrap) $(FUNCTIONS:%=dist/linux-amd64/%/bootstrap) ## build each function for Lambda, arm64 and amd64, into dist/

.PHONY: FORCE
dist/linux-arm64/%/bootstrap: FORCE
	GOARCH=arm64 $(LAMBDA_BUILD) -o $@ ./functions/$*/bootstrap
dist/linux-amd64/%/bootstrap: FORCE
	GOARCH=amd64 $(LAMBDA_BUILD) -o $@ ./functions/$*/bootstrap

# `sam build` makes these: build-<logical id>, into ARTIFACTS_DIR, for what the template's Architecture says.
build-%Function:
	GOARCH=$${GOARCH:-arm64} $(LAMBDA_BUILD) -o "$(ARTIFACTS_DIR)/bootstrap" ./functions/$(shell tr A-Z a-z <<<'$*')/bootstrap

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo 0.0.0)
.PHONY: release
release: build ## make zips, templates, bill of materials, licences and checksums in dist/release
	go -C .ci/tools run ./release -root "$(CURDIR)" -out "$(CURDIR)/dist/release" -version "$(VERSION)" $(FUNCTIONS)

.PHONY: release-check
release-check: ## make a release twice, in two folders, and compare the bytes
	@.ci/release

ENV ?= dev
.PHONY: deploy
deploy: ## build and deploy to an AWS account, asking for parameters; ENV=dev or prod
	@.ci/deploy $(ENV)

.PHONY: teardown
teardown: ## delete a deployment, and say how the next one takes up what stays; ENV=dev or prod
	@.ci/deploy teardown $(ENV)

.PHONY: openapi
openapi: ## write the OpenAPI document of every function's routes
	go run ./functions/local -openapi > functions/configuration/openapi.json.new
	mv functions/configuration/openapi.json.new functions/configuration/openapi.json

.PHONY: bench
bench: ## measure everything, some minutes, and write BENCHMARKS.md
	@go run ./functions/local/bench

DURATION ?= 60s
.PHONY: load
load: ## have 64 callers use all connectors for a while; nothing may fail, or stay behind; DURATION=60s
	@.ci/load $(DURATION)

.PHONY: soak
soak: ## the same for half an hour
	@.ci/load $(if $(filter command line,$(origin DURATION)),$(DURATION),30m)

FUZZTIME ?= 20s
.PHONY: fuzz
fuzz: ## run every fuzz test for a while; FUZZTIME=20s
	@.ci/fuzz $(FUZZTIME)

SEEDS ?= 10
SEED ?= 0
.PHONY: faults
faults: ## weather storms of faults, and hold what AWS has then against what was answered; SEEDS=10 SEED=0 (by the clock)
	go test ./functions/local/deployment -count=1 -timeout 30m -v -run '^TestStorm$$' -args -seeds $(SEEDS) -seed $(SEED)

.PHONY: corpus
corpus: ## break the audit's evaluator in one way after the other, in a copy, and want the corpus to notice
	@.ci/corpus

.PHONY: audit-scale
audit-scale: ## measure how long 1,000 providers take to audit, of whom one hangs and one breaks; the goal is under 60 s
	@go test ./functions/auditworker -run '^$$' -bench AThousandProviders -benchtime 1x -count 1 | awk ' \
		{ print } $$NF == "s/1000-providers" { took = $$(NF - 1) } /^PASS/ { passed = 1 } \
		END { if (!passed) exit 1; printf "1,000 providers took %.1f s; the goal is under 60 s: %s\n", took, took < 60 ? "met" : "missed" }'

.PHONY: defences
defences: ## switch each defence off in a copy, and want the storms to notice
	@.ci/defences

.PHONY: mutation
mutation: ## mutate the packages that decide who may do what, and list the mutants that no test notices; hours; needs jq
	@.ci/mutation

.PHONY: conformance
conformance: ## hold the local AWS against DynamoDB Local and MinIO; installs both, outside the repository
	@.ci/conformance

.PHONY: schemathesis
schemathesis: ## send requests generated from the OpenAPI document to the local server; needs Python
	@.ci/schemathesis

.PHONY: sam-validate
sam-validate: ## lint template.yaml with the SAM CLI, and check what CloudFormation makes of it; needs Python
	@.ci/sam-local validate

.PHONY: sam-build
sam-build: ## build the functions with the SAM CLI for this machine's architecture
	@.ci/sam-local build

.PHONY: sam-local
sam-local: ## run every sample event in its function's container against the local AWS; installs Docker and SAM if need be
	@.ci/sam-local all

.PHONY: aws-cli
aws-cli: ## run the AWS CLI against the local AWS; installs the CLI, needs Python
	@.ci/aws-cli

.PHONY: role-kit
role-kit: ## prove the forms of a role kit, the shell form by use, the others by their tools; needs Python
	@.ci/role-kit

.PHONY: vulnerabilities
vulnerabilities: ## look for known vulnerabilities (needs the network beyond package registries)
	go run golang.org/x/vuln/cmd/govulncheck@v1.1.4 $(PACKAGES)
