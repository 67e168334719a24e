package report

import (
	"fmt"
	"strings"
	"unicode"
)

// visible returns s with each character that can't be seen, or that changes how others are shown, as its code point: `⟨U+202E⟩`.
// A name could otherwise look like another one. (Unicode Technical Report 36, "Bidirectional Text Spoofing")
func visible(s string) string {
	return replaceHidden(s, func(r rune) string { return fmt.Sprintf("⟨U+%04X⟩", r) })
}

// escaped is visible for text that people copy: policies, and commands with policies in them. JSON knows the escape, so that the
// policy means the same; IAM allows such characters nowhere else.
func escaped(s string) string {
	return replaceHidden(s, func(r rune) string {
		if r > 0xFFFF {
			high, low := surrogates(r)
			return fmt.Sprintf(`\u%04x\u%04x`, high, low)
		}
		return fmt.Sprintf(`\u%04x`, r)
	})
}

func surrogates(r rune) (high, low rune) {
	r -= 0x10000
	return 0xD800 + r>>10, 0xDC00 + r&0x3FF
}

func replaceHidden(s string, by func(rune) string) string {
	if !strings.ContainsFunc(s, hidden) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if hidden(r) {
			b.WriteString(by(r))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// hidden reports whether a character is a control or a format character (Unicode categories Cc and Cf, marks of direction among
// them), a separator that isn't the space, or one that fonts draw as nothing. Line breaks and tabs are layout.
func hidden(r rune) bool {
	switch {
	case r == '\n' || r == '\t' || r == ' ':
		return false
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zs, unicode.Zl, unicode.Zp, unicode.Co, unicode.Variation_Selector):
		return true
	}
	switch r {
	case 0x115F, 0x1160, 0x3164, 0xFFA0, 0x2800: // fillers and the empty braille pattern
		return true
	}
	return r == unicode.ReplacementChar
}
