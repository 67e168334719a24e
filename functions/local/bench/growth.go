package main

import (
	"fmt"
	"strings"
)

// growth is how cost grows with something.
type growth struct {
	title, by string
	prefix    string // of the figures' names
	steps     []step
	columns   []column
}

type step struct{ label, name string }

type column struct {
	label, unit, form string
	per               float64 // what the figure is divided by
}

func growths() []growth {
	cost := []column{
		{"time", "ns/op", "%.1f µs", 1000}, {"allocated", "B/op", "%.1f KiB", 1024}, {"allocations", "allocs/op", "%.0f", 1},
	}
	ratio := []column{{"p50", "x-p50", "%.2f x", 1}, {"p95", "x-p95", "%.2f x", 1}, {"p99", "x-p99", "%.2f x", 1}, {"our p50", "µs-p50", "%.0f µs", 1}}
	sizes := func(before, after string) []step {
		var list []step
		for _, size := range []int{16, 1024, 4096} {
			list = append(list, step{fmt.Sprintf("%s%d KiB", after, size), fmt.Sprintf("%s%dKiB", before, size)})
		}
		return list
	}
	return []growth{
		{
			title: "Items of a page", by: "items", prefix: "./functions/dynamodb Pages/", columns: cost,
			steps: []step{{"1", "1"}, {"10", "10"}, {"100", "100"}, {"1,000", "1000"}},
		},
		{
			title: "Bodies that are downloaded, over direct calls", by: "object", prefix: "./functions/s3 OverDirect/", columns: ratio,
			steps: []step{{"1 KiB", "1KiB"}, {"16 KiB", "16KiB"}, {"256 KiB", "256KiB"}, {"1 MiB", "1024KiB"}, {"4 MiB", "4096KiB"}},
		},
		{
			title: "Bodies in answers, without AWS", by: "body", prefix: "./shared/httpapi AnswerOfBytes/", columns: cost,
			steps: append(sizes("text/", "text, "), sizes("binary/", "bytes, ")...),
		},
		{title: "Bodies in requests, without AWS", by: "body", prefix: "./shared/httpapi RequestOfBytes/", columns: cost, steps: sizes("", "")},
		{
			title: "From event to answer, without AWS", by: "request", prefix: "./shared/httpapi ", columns: cost,
			steps: []step{{"a search", "EventToAnswer"}},
		},
		{
			title: "Callers whose credentials are cached (10,000 are kept in memory, the others in the table)", by: "callers",
			prefix: "./shared/credentials GetFromMemory/callers-", columns: []column{{"lookup", "ns/op", "%.0f ns", 1}, cost[1], cost[2]},
			steps: []step{{"10", "10"}, {"1,000", "1000"}, {"10,000", "10000"}, {"100,000", "100000"}},
		},
		{
			title: "Cold starts", by: "function", prefix: "./functions/local/runtimeapi ColdStart/",
			columns: []column{{"ours, p50", "ms-p50", "%.1f ms", 1}, {"bare program, p50", "floor-ms-p50", "%.1f ms", 1}, {"with the same calls", "same-calls-ms-p50", "%.1f ms", 1}, ratio[0], ratio[1]},
			steps:   []step{{"dynamodb", "dynamodb"}, {"s3", "s3"}, {"lambda", "lambda"}, {"configuration", "configuration"}},
		},
		{
			title: "Where a cold start's time goes, in milliseconds", by: "function", prefix: "./functions/local/runtimeapi ColdStartSteps/",
			columns: coldSteps(),
			steps: []step{
				{"dynamodb", "dynamodb"},
				{"its bare program", "dynamodb-bare"},
				{"s3", "s3"},
				{"its bare program", "s3-bare"},
				{"lambda", "lambda"},
				{"its bare program", "lambda-bare"},
				{"configuration", "configuration"},
				{"its bare program", "configuration-bare"},
			},
		},
		{
			title: "Memory after 10,000 requests, 64 at a time", by: "function", prefix: "./functions/local/runtimeapi Resident/",
			columns: []column{{"resident", "MB-resident", "%.1f MB", 1}, {"peak", "MB-peak", "%.1f MB", 1}},
			steps:   []step{{"dynamodb", "dynamodb"}, {"s3", "s3"}, {"lambda", "lambda"}, {"configuration", "configuration"}},
		},
	}
}

// coldSteps are the steps of a cold start. Its initialisers are a part of the time until it asks for its event.
func coldSteps() []column {
	return []column{
		{"until it asks for its event", "ms-to-event", "%.2f", 1},
		{"of that, initialisers: SDK", "ms-init-SDK", "%.2f", 1},
		{"huma", "ms-init-huma", "%.2f", 1},
		{"ours", "ms-init-ours", "%.2f", 1},
		{"others", "ms-init-others", "%.2f", 1},
		{"AWS has calls", "ms-to-event-at-AWS", "%.2f", 1},
		{"then until it answers, while AWS has calls", "ms-to-answer-at-AWS", "%.2f", 1},
		{"otherwise", "ms-to-answer", "%.2f", 1},
		{"calls", "calls", "%.0f", 1},
	}
}

func (g growth) render(measured figures) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n## %s\n\n| %s |", g.title, g.by)
	for _, c := range g.columns {
		fmt.Fprintf(&b, " %s |", c.label)
	}
	b.WriteString("\n|" + strings.Repeat(" --- |", len(g.columns)+1) + "\n")
	for _, s := range g.steps {
		fmt.Fprintf(&b, "| %s |", s.label)
		for _, c := range g.columns {
			if value, ok := measured.get(g.prefix+s.name, c.unit); ok {
				fmt.Fprintf(&b, " "+c.form+" |", value/c.per)
			} else {
				b.WriteString(" not measured |")
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}
