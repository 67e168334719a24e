package telemetry

import (
	"bytes"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// metricsWriter writes metrics as CloudWatch takes them out of logs ("Specification: Embedded metric
// format"). Dimensions are the function and the operation, and for problems their code: bounded sets,
// never a site, a user or a key.
type metricsWriter struct {
	namespace, function string
}

type metric struct {
	name  string
	unit  string
	value thousandths
}

// appendRequest appends the metrics of one finished request as one line.
func (m metricsWriter) appendRequest(line []byte, now time.Time, f *Fields, counts *[counters]int64, o Outcome) []byte {
	var list [12]metric
	metrics := requestMetrics(list[:0], f, counts, o)
	line = m.appendDirectives(line, now, metrics, `["function"],["function","operation"]`, o.Problem != "")
	line = appendMember(line, "function", m.function)
	line = appendMember(line, "operation", operationOf(f))
	if o.Problem != "" {
		line = appendMember(line, "code", o.Problem)
		line = append(line, `,"Problems":1`...)
	}
	return append(appendValues(line, metrics), "}\n"...)
}

func requestMetrics(list []metric, f *Fields, counts *[counters]int64, o Outcome) []metric {
	list = append(list,
		metric{"Requests", "Count", whole(1)},
		metric{"Duration", "Milliseconds", milliseconds(o.Duration)},
		metric{"GatewayOverhead", "Milliseconds", milliseconds(max(0, o.Duration-f.AWSLatency))})
	if f.AWSCalls > 0 {
		list = append(list, metric{"AWSLatency", "Milliseconds", milliseconds(f.AWSLatency)})
	}
	switch f.Tier {
	case Memory:
		list = append(list, metric{"CredentialsFromMemory", "Count", whole(1)})
	case Table:
		list = append(list, metric{"CredentialsFromTable", "Count", whole(1)})
	case Minted:
		list = append(list, metric{"CredentialsMinted", "Count", whole(1)})
	}
	for i, name := range [counters]string{Mints: "Mints", LeaseWaits: "LeaseWaits", STSThrottles: "STSThrottles", CacheErrors: "CacheErrors"} {
		if counts[i] > 0 {
			list = append(list, metric{name, "Count", whole(counts[i])})
		}
	}
	return list
}

// appendDirectives appends what is a metric of the line, and by which dimensions.
func (m metricsWriter) appendDirectives(line []byte, now time.Time, metrics []metric, dimensions string, problem bool) []byte {
	line = append(line, `{"_aws":{"Timestamp":`...)
	line = strconv.AppendInt(line, now.UnixMilli(), 10)
	line = append(line, `,"CloudWatchMetrics":[{"Namespace":`...)
	line = appendQuoted(line, m.namespace)
	line = append(line, `,"Dimensions":[`...)
	line = append(line, dimensions...)
	line = append(line, `],"Metrics":[`...)
	for i, metric := range metrics {
		if i > 0 {
			line = append(line, ',')
		}
		line = append(line, `{"Name":"`...)
		line = append(line, metric.name...)
		line = append(line, `","Unit":"`...)
		line = append(line, metric.unit...)
		line = append(line, `"}`...)
	}
	line = append(line, "]}"...)
	if problem {
		line = append(line, `,{"Namespace":`...)
		line = appendQuoted(line, m.namespace)
		line = append(line, `,"Dimensions":[["function"],["function","code"]],"Metrics":[{"Name":"Problems","Unit":"Count"}]}`...)
	}
	return append(line, "]}"...)
}

// appendValues appends the values of the metrics.
func appendValues(line []byte, metrics []metric) []byte {
	for _, metric := range metrics {
		line = append(line, `,"`...)
		line = append(line, metric.name...)
		line = append(line, `":`...)
		line = metric.value.append(line)
	}
	return line
}

func appendMember(line []byte, name, value string) []byte {
	line = append(line, `,"`...)
	line = append(line, name...)
	line = append(line, `":`...)
	return appendQuoted(line, value)
}

// thousandths is a number of a metric, never negative: floating point would cost every request a microsecond.
type thousandths int64

func whole(n int64) thousandths { return thousandths(n) * 1000 }

func milliseconds(d time.Duration) thousandths { return thousandths(max(0, d.Microseconds())) }

// append appends the number in decimal, without zeros at its end.
func (t thousandths) append(line []byte) []byte {
	line = strconv.AppendInt(line, int64(t)/1000, 10)
	rest := int64(t) % 1000
	if rest == 0 {
		return line
	}
	line = append(line, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
	return bytes.TrimRight(line, "0")
}

// appendQuoted appends s as a JSON string; bytes that aren't UTF-8 become U+FFFD.
func appendQuoted(line []byte, s string) []byte {
	line, _ = jsontext.AppendQuote(line, s)
	return line
}

func operationOf(f *Fields) string {
	if f.Operation == "" {
		return "none"
	}
	return f.Operation
}
