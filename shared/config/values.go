package config

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ARN is an Amazon Resource Name, checked for its form only.
type ARN string

// UnmarshalText takes text that has an ARN's six parts ("IAM identifiers").
func (a *ARN) UnmarshalText(text []byte) error {
	parts := strings.SplitN(string(text), ":", 6)
	if len(parts) < 6 || parts[0] != "arn" || parts[1] == "" || parts[2] == "" || parts[5] == "" {
		return errors.New("isn't an ARN")
	}
	*a = ARN(text)
	return nil
}

// RolePath is a path segment of IAM roles with a slash before and after.
type RolePath string

// UnmarshalText takes a path as IAM does: from slash to slash, of printable ASCII ("IAM identifiers").
func (p *RolePath) UnmarshalText(text []byte) error {
	s := string(text)
	if len(s) < 3 || len(s) > 512 || s[0] != '/' || s[len(s)-1] != '/' || strings.Contains(s, "//") {
		return errors.New("isn't a path that begins and ends with a slash")
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < '!' || r > '~' || strings.ContainsRune("*?$", r) }) {
		return errors.New("holds a character that a policy's resource can't take")
	}
	*p = RolePath(text)
	return nil
}

// Endpoint is the base URL of a stand-in for AWS; empty for AWS itself.
type Endpoint string

// UnmarshalText takes an http or https URL, or nothing.
func (e *Endpoint) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	u, err := url.Parse(string(text))
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return errors.New("isn't an http or https URL")
	}
	*e = Endpoint(text)
	return nil
}

// Origin is a web origin (RFC 6454 section 6.2): scheme, host and port, nothing else.
type Origin string

// UnmarshalText takes one origin. A wildcard isn't one.
func (o *Origin) UnmarshalText(text []byte) error {
	u, err := url.Parse(string(text))
	if err != nil || u.Host == "" || u.Scheme+"://"+u.Host != string(text) || strings.Contains(u.Host, "*") {
		return errors.New("isn't an origin such as https://app.example")
	}
	*o = Origin(text)
	return nil
}

// Days are whole days, one at least.
type Days int

// UnmarshalText takes 1 to 3,653 days, the longest that CloudWatch keeps logs.
func (d *Days) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 || n > 3653 {
		return errors.New("isn't a number of days from 1 to 3653")
	}
	*d = Days(n)
	return nil
}

// Duration is the days as a time span.
func (d Days) Duration() time.Duration { return time.Duration(d) * 24 * time.Hour }

// Spread is a time in whole seconds, which an SQS message can wait.
type Spread int

// UnmarshalText takes 0 to 900 seconds (DelaySeconds in "SendMessageBatchRequestEntry").
func (s *Spread) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 0 || n > 900 {
		return errors.New("isn't a number of seconds from 0 to 900")
	}
	*s = Spread(n)
	return nil
}

// Duration is the spread as a time span.
func (s Spread) Duration() time.Duration { return time.Duration(s) * time.Second }

// QueueURL is the URL of an SQS queue, checked for its form only.
type QueueURL string

// UnmarshalText takes a URL that ends with account and name ("Amazon SQS queue and message identifiers").
func (q *QueueURL) UnmarshalText(text []byte) error {
	u, err := url.Parse(string(text))
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || strings.Count(strings.Trim(u.Path, "/"), "/") != 1 {
		return errors.New("isn't the URL of a queue")
	}
	*q = QueueURL(text)
	return nil
}

// Severity is that of a finding.
type Severity string

// UnmarshalText takes one of the four severities there are.
func (s *Severity) UnmarshalText(text []byte) error {
	if !slices.Contains([]string{"critical", "high", "medium", "info"}, string(text)) {
		return errors.New("isn't critical, high, medium or info")
	}
	*s = Severity(text)
	return nil
}
