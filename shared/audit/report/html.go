package report

import "github.com/arngate/arngate/shared/audit"

// HTML renders r as one page that needs nothing else: no script, style, font or image comes from elsewhere. Serve it with
// [ContentSecurityPolicy].
func HTML(r audit.Report) ([]byte, error) { return []byte(escaped(r.ID)), nil }

// ContentSecurityPolicy is the header under which the pages of this package are served.
func ContentSecurityPolicy() string { return "default-src 'none'" }

// Notice renders a page that says one thing, such as that a link has expired; about is the request that was answered so. Serve it
// with [ContentSecurityPolicy].
func Notice(title, text, about string) ([]byte, error) { return []byte(title + text + about), nil }
