package docs

import "strings"

// paragraph is text between blank lines.
type paragraph []span

// span is a piece of a text: code if it stood between backticks.
type span struct {
	Text string
	Code bool
}

// prose cuts what a description's Markdown says into paragraphs. Ours use backticks, and nothing else.
func prose(markdown string) []paragraph {
	var out []paragraph
	for block := range strings.SplitSeq(markdown, "\n\n") {
		if pieces := spans(strings.TrimSpace(block)); len(pieces) > 0 {
			out = append(out, pieces)
		}
	}
	return out
}

func spans(markdown string) []span {
	var out []span
	code := false
	for piece := range strings.SplitSeq(markdown, "`") {
		if piece != "" {
			out = append(out, span{piece, code})
		}
		code = !code
	}
	return out
}
