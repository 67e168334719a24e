package s3

import (
	"net/http"
	"strings"
	"time"
)

// readConditions are the conditions on reading an object, or the source of a copy.
type readConditions struct {
	match, noneMatch, modifiedSince, unmodifiedSince string
	prefix                                           string // of the headers' names
}

// copyPrefix stands before the conditions on the source of a copy.
const copyPrefix = "x-amz-copy-source-"

func readConditionsOf(h http.Header, prefix string) readConditions {
	return readConditions{
		match:           h.Get(prefix + "If-Match"),
		noneMatch:       h.Get(prefix + "If-None-Match"),
		modifiedSince:   h.Get(prefix + "If-Modified-Since"),
		unmodifiedSince: h.Get(prefix + "If-Unmodified-Since"),
		prefix:          prefix,
	}
}

// check holds the conditions against an object: If-Unmodified-Since counts only without If-Match, and
// If-Modified-Since only without If-None-Match. A copy fails where a read is answered with 304.
func (c readConditions) check(o *object, now time.Time) error {
	if c.match != "" {
		if !matches(c.match, o.etag) {
			return preconditionFailed(c.prefix + "If-Match")
		}
	} else if since, ok := httpDate(c.unmodifiedSince); ok && o.modified.Truncate(time.Second).After(since) {
		return preconditionFailed(c.prefix + "If-Unmodified-Since")
	}
	unchanged := ""
	if c.noneMatch != "" {
		if matches(c.noneMatch, o.etag) {
			unchanged = "If-None-Match"
		}
	} else if since, ok := httpDate(c.modifiedSince); ok && !since.After(now) && !o.modified.Truncate(time.Second).After(since) {
		unchanged = "If-Modified-Since"
	}
	switch {
	case unchanged == "":
		return nil
	case c.prefix != "":
		return preconditionFailed(c.prefix + unchanged)
	}
	return notModified().WithHeader("Etag", `"`+o.etag+`"`).WithHeader("Last-Modified", httpTime(o.modified))
}

// matches compares an If-Match header with an ETag. S3 takes ETags with and without quotes.
func matches(header, etag string) bool {
	for one := range strings.SplitSeq(header, ",") {
		if one = strings.Trim(strings.TrimSpace(one), `"`); one == "*" || one == etag {
			return true
		}
	}
	return false
}

// httpDate parses a date; one that isn't valid is no condition.
func httpDate(text string) (time.Time, bool) {
	t, err := http.ParseTime(text)
	return t, err == nil
}

func httpTime(t time.Time) string { return t.UTC().Format(http.TimeFormat) }

// writeCondition is the one condition that a write may carry.
type writeCondition struct {
	match  string // If-Match: an ETag
	absent bool   // If-None-Match: *
}

// writeConditionOf reads the condition of a write. What S3 doesn't accept there, `*` in If-Match, an ETag in
// If-None-Match or both, is NotImplemented.
func writeConditionOf(h http.Header) (writeCondition, error) {
	const refused = "We don't accept the provided value of %s header for this API"
	match, none := h.Get("If-Match"), h.Get("If-None-Match")
	switch {
	case match != "" && none != "":
		return writeCondition{}, headerNotImplemented("If-Match,If-None-Match",
			"Multiple conditional request headers present in the request")
	case match == "*":
		return writeCondition{}, headerNotImplemented("If-Match", strings.Replace(refused, "%s", "If-Match", 1))
	case none != "" && none != "*":
		return writeCondition{}, headerNotImplemented("If-None-Match", strings.Replace(refused, "%s", "If-None-Match", 1))
	}
	return writeCondition{match: match, absent: none != ""}, nil
}

// check holds the condition against what a key has now; current is nil if that is nothing.
func (c writeCondition) check(key string, current *object) error {
	switch {
	case c.match != "" && current == nil:
		return noSuchKey(key)
	case c.match != "" && !matches(c.match, current.etag):
		return preconditionFailed("If-Match")
	case c.absent && current != nil:
		return preconditionFailed("If-None-Match")
	}
	return nil
}
