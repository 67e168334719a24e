package auditapi

import (
	"fmt"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/report"
)

const mediaJSON = "application/json"

// document is an answer in one of several media types, with the headers that a page needs.
type document struct {
	ContentType string `header:"Content-Type"`
	Policy      string `header:"Content-Security-Policy" doc:"Of pages: nothing is loaded from elsewhere"`
	Referrer    string `header:"Referrer-Policy" doc:"Of pages: the address goes nowhere"`
	Opener      string `header:"Cross-Origin-Opener-Policy" doc:"Of pages"`
	Resource    string `header:"Cross-Origin-Resource-Policy" doc:"Of pages"`
	Frames      string `header:"X-Frame-Options" doc:"Of pages: for browsers that don't know frame-ancestors"`
	Robots      string `header:"X-Robots-Tag" doc:"Of pages"`
	Body        []byte
}

// render writes a report in one of the media types that aren't JSON.
func render(media string, r audit.Report) (*document, error) {
	if media == report.MediaSARIF {
		body, err := report.SARIF(r)
		if err != nil {
			return nil, fmt.Errorf("render report: %w", err)
		}
		return &document{ContentType: report.MediaSARIF, Body: body}, nil
	}
	body, err := report.HTML(r)
	if err != nil {
		return nil, fmt.Errorf("render report: %w", err)
	}
	return &document{
		ContentType: report.MediaHTML + "; charset=utf-8", Policy: report.ContentSecurityPolicy(), Referrer: "no-referrer",
		Opener: "same-origin", Resource: "same-origin", Frames: "DENY", Robots: "noindex", Body: body,
	}, nil
}
