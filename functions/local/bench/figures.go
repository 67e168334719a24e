package main

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// figures are what was measured: by package and name, as in "./functions/s3 OverDirect/16KiB", the values by unit, one for each
// run, sorted.
type figures map[string]map[string][]float64

// processors is what go test appends to a benchmark's name: how many there are.
var processors = regexp.MustCompile(`-\d+$`)

// read takes the figures out of what go test printed: lines of benchmarks, and attributes of tests whose values are numbers.
func (f figures) read(pkg, text string) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		switch {
		case len(fields) > 3 && strings.HasPrefix(fields[0], "Benchmark"):
			name := processors.ReplaceAllString(strings.TrimPrefix(fields[0], "Benchmark"), "")
			for i := 2; i+1 < len(fields); i += 2 {
				f.set(pkg+" "+name, fields[i+1], fields[i])
			}
		case len(fields) == 5 && fields[1] == "ATTR":
			f.set(pkg+" "+strings.TrimPrefix(fields[2], "Test"), fields[3], fields[4])
		}
	}
}

func (f figures) set(name, unit, text string) {
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return // text, such as who wrote it
	}
	if f[name] == nil {
		f[name] = map[string][]float64{}
	}
	values := f[name][unit]
	at, _ := slices.BinarySearch(values, value)
	f[name][unit] = slices.Insert(values, at, value)
}

// get is one figure, the median of its runs; ok is false if it was not measured.
func (f figures) get(name, unit string) (value float64, ok bool) {
	values := f[name][unit]
	if len(values) == 0 {
		return 0, false
	}
	return values[len(values)/2], true
}
