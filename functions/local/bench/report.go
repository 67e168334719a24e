package main

import (
	"fmt"
	"strings"
)

// row is one figure that is to be reached.
type row struct {
	what  string
	name  string // of the figure
	unit  string
	form  string  // how it is written
	most  float64 // that it may be; zero: it is only reported
	exact bool    // most itself, no less
	why   string  // it can't be reached, where it isn't
}

// rows are the table of performance figures.
func rows() []row {
	const (
		dynamodb = "./functions/dynamodb OverDirect/"
		s3       = "./functions/s3 OverDirect/"
		cold     = "./functions/local/runtimeapi ColdStart/"
		resident = "./functions/local/runtimeapi Resident/"
		hours    = "./shared/credentials HoursOfRequests"
		stampede = "./functions/local/deployment StampedeOfInstances"
		load     = "./functions/local/load Load"
	)
	list := []row{
		{what: "DynamoDB, one item by its key, p50 over a direct Query", name: dynamodb + "item", unit: "x-p50", form: "%.2f x", most: 1.15, why: overheadWhy},
		{what: "the same, p95", name: dynamodb + "item", unit: "x-p95", form: "%.2f x"},
		{what: "the same, p99", name: dynamodb + "item", unit: "x-p99", form: "%.2f x"},
		{what: "DynamoDB, search that finds one item, p50", name: dynamodb + "search_of_one", unit: "x-p50", form: "%.2f x"},
		{what: "DynamoDB, page of 100 items by search, p50", name: dynamodb + "page_of_100", unit: "x-p50", form: "%.2f x", most: 1.3},
		{what: "DynamoDB, page of 100 items by native query, p50", name: dynamodb + "native_page_of_100", unit: "x-p50", form: "%.2f x", most: 1.3},
		{what: "S3, GET of 1 KiB, p50 over a direct GetObject", name: s3 + "1KiB", unit: "x-p50", form: "%.2f x"},
		{what: "S3, GET of 16 KiB, p50", name: s3 + "16KiB", unit: "x-p50", form: "%.2f x", most: 1.3, why: overheadWhy},
		{what: "the same, p95", name: s3 + "16KiB", unit: "x-p95", form: "%.2f x"},
		{what: "the same, p99", name: s3 + "16KiB", unit: "x-p99", form: "%.2f x"},
		{what: "S3, GET of 1 MiB, p50", name: s3 + "1024KiB", unit: "x-p50", form: "%.2f x"},
		{what: "S3, GET of 4 MiB, p50", name: s3 + "4096KiB", unit: "x-p50", form: "%.2f x"},
		{what: "credential lookup in memory, 1,000 callers", name: "./shared/credentials GetFromMemory/callers-1000", unit: "ns/op", form: "%.0f ns", most: 300, why: lookupWhy},
		{what: "the same, allocations", name: "./shared/credentials GetFromMemory/callers-1000", unit: "allocs/op", form: "%.0f", exact: true},
	}
	for _, f := range []string{"dynamodb", "s3", "lambda", "configuration"} {
		why := coldWhy
		if f == "configuration" {
			why = "it makes two calls, for the providers and for what was observed of them, and the bare program one; the rest is initialisers of what writes role kits " +
				"(hclwrite links go-cmp and cty) and of huma, and the pages of a larger executable: \"Where a cold start's time goes\" shows it"
		}
		list = append(list, row{what: "cold start of `" + f + "`, p50 over a bare program with its clients that makes one call", name: cold + f, unit: "x-p50", form: "%.2f x", most: 1.3, why: why})
		if f != "configuration" { // which needs no connection
			list = append(list, row{what: "the same, over one that makes the same calls", name: cold + f, unit: "x-same-calls-p50", form: "%.2f x"})
		}
	}
	for _, f := range []string{"dynamodb", "s3", "lambda"} {
		list = append(list,
			row{what: "executable of `" + f + "`, stripped", name: cold + f, unit: "MB-executable", form: "%.1f MB", most: 18},
			row{what: "`" + f + "` after 10,000 requests, 64 at a time, resident", name: resident + f, unit: "MB-resident", form: "%.1f MB", most: 64})
	}
	return append(list,
		row{what: "stampede of 20 instances x 200 requests, STS at 300 ms: mints", name: stampede, unit: "mints", form: "%.0f", most: 1, exact: true},
		row{what: "the same, slowest answer over one mint", name: stampede, unit: "slowest-x", form: "%.2f x", most: 1.5},
		row{what: "3 simulated hours, 2,000 callers, 1,000,000 requests: most mints of a key", name: hours, unit: "most-mints", form: "%.0f", most: 4},
		row{what: "the same, requests that needed no mint", name: hours, unit: "hit-percent", form: "%.2f %%"},
		row{what: "load, 64 callers: requests that failed", name: load, unit: "failed", form: "%.0f", exact: true},
		row{what: "the same, growth of goroutines", name: load, unit: "goroutine-growth", form: "%.0f", most: 4},
		row{what: "the same, growth of file descriptors", name: load, unit: "file-growth", form: "%.0f", most: 4},
		row{what: "the same, growth of the heap", name: load, unit: "heap-growth-MB", form: "%.2f MB", most: 8.4},
		row{what: "the same, requests per second with both sides on this machine", name: load, unit: "requests-per-second", form: "%.0f"},
		row{what: "policy evaluation, over the cases", name: "./shared/policy Cases", unit: "ns/op", form: "%.0f ns", most: 1000},
		row{what: "audit of 1,000 providers", name: "./functions/auditworker AThousandProviders", unit: "s/1000-providers", form: "%.1f s", most: 60},
	)
}

const (
	overheadWhy = "for the event's JSON, the token, the routing, parameters, the operation, the answer's JSON and the log line, with no step that stands out: " +
		"the profile below shows it. Of AWS itself, milliseconds away, they are a few per cent"
	lookupWhy = "it is an absolute time, of this machine on this day. By a profile a fifth of it is the hash of the key's eight parts, a fifth a look at the clock, " +
		"and a third the rest of finding the entry and moving it to the front of those used last"
	coldWhy = "the bare program makes one call of AWS; ours makes six: for the data keys and for KMS beside those for the connection and its provider, then for the " +
		"cached credentials, then the one that was asked for. The row below compares with a program that makes the same six in a row. What else is dearer is " +
		"initialisers of huma, its look at the types of the operation that is asked for, and the pages of a larger executable: \"Where a cold start's time goes\" shows it"
)

// reached says whether a figure is what it was to be, in all of its runs or in some; empty if it is only reported.
func (r row) reached(runs []float64) string {
	if !r.exact && r.most == 0 {
		return ""
	}
	in := 0
	for _, value := range runs {
		if value == r.most || !r.exact && value < r.most {
			in++
		}
	}
	switch in {
	case len(runs):
		return "yes"
	case 0:
		return "no"
	default:
		return atTheLimit
	}
}

// atTheLimit is what the next measurement may say yes or no to.
const atTheLimit = "at the limit"

// found is a figure, with the range of its runs if they differ.
func (r row) found(value float64, runs []float64) string {
	text, least, most := fmt.Sprintf(r.form, value), fmt.Sprintf(r.form, runs[0]), fmt.Sprintf(r.form, runs[len(runs)-1])
	if least != most {
		text += " (" + least + " to " + most + ")"
	}
	return text
}

// goal is what was to be reached.
func (r row) goal() string {
	switch {
	case r.exact:
		return fmt.Sprintf(r.form, r.most)
	case r.most > 0:
		return "at most " + fmt.Sprintf(r.form, r.most)
	default:
		return "reported"
	}
}

// times says how long a direct call took, and ours beyond it; empty where it is not such a call that was measured.
func (r row) times(measured figures) string {
	ratio, _ := measured.get(r.name, "x-p50")
	ours, ok := measured.get(r.name, "µs-p50")
	if !ok || ratio == 0 {
		return ""
	}
	direct := ours / ratio
	return fmt.Sprintf("a direct call takes %.0f µs here, of which the goal leaves us %.0f; we take %.0f, ", direct, (r.most-1)*direct, ours-direct)
}

// render is the whole report.
func render(before, after machine, measured figures) string {
	var b strings.Builder
	b.WriteString("# Benchmarks\n\nWritten by `make bench`, which takes some minutes. Ratios compare what was measured in turn in one run; those over quick direct\ncalls, the lookup and cold starts are the median of five runs, with their range: what is at the limit was reached by some of them.\nAbsolute times are this machine's, on that day. `bin/bench.txt` then holds what the benchmarks printed, for `benchstat`.\n\n")
	b.WriteString(before.table(after))
	b.WriteString("\n## What was to be reached\n\n| what | measured | to reach | reached |\n| --- | --- | --- | --- |\n")
	var whys []string
	for _, r := range rows() {
		value, ok := measured.get(r.name, r.unit)
		if !ok {
			fmt.Fprintf(&b, "| %s | not measured | %s | |\n", r.what, r.goal())
			continue
		}
		runs := measured[r.name][r.unit]
		reached := r.reached(runs)
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.what, r.found(value, runs), r.goal(), reached)
		if (reached == "no" || reached == atTheLimit) && r.why != "" {
			whys = append(whys, fmt.Sprintf("- **%s**: %s%s.\n", r.what, r.times(measured), r.why))
		}
	}
	if len(whys) > 0 {
		b.WriteString("\nWhy not, or not always:\n\n" + strings.Join(whys, ""))
	}
	b.WriteString(renderProfile(measured))
	for _, g := range growths() {
		b.WriteString(g.render(measured))
	}
	return b.String()
}

// table says where and when.
func (m machine) table(after machine) string {
	changed := ""
	if m.changed {
		changed = ", with changes that are not committed"
	}
	return fmt.Sprintf("| | |\n| --- | --- |\n| commit | `%s`%s |\n| date | %s, %.0f s |\n| machine | %s, %d cores, %s, %s |\n| Go | %s |\n| load average | %s before, %s after |\n",
		m.commit, changed, m.time.Format("2006-01-02 15:04 MST"), after.time.Sub(m.time).Seconds(), m.processor, m.cores, m.memory, m.system, m.version, m.load, after.load)
}
