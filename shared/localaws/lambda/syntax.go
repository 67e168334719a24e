package lambda

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// syntaxFault says why a payload isn't JSON. What is recorded of AWS is worded as its parser, Jackson, words it: what
// can't begin a value, a word that is none of JSON's, a byte that is no UTF-8. The rest is in our own words.
func syntaxFault(payload []byte) string {
	const values = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
	start := len(payload) - len(bytes.TrimLeft(payload, " \t\r\n"))
	if start < len(payload) && !strings.ContainsRune(`{["-0123456789`, rune(payload[start])) {
		switch word := wordAt(payload[start:]); {
		case word == "":
			return fmt.Sprintf("Unexpected character (%s): expected a valid value %s%s", described(payload[start]), values, at(payload, start))
		case start+len(word) == len(payload) || payload[start+len(word)] < utf8.RuneSelf:
			return fmt.Sprintf("Unrecognized token '%s': was expecting %s%s", word, values, at(payload, start+len(word)))
		}
	}
	for i, r := range string(payload) {
		if _, size := utf8.DecodeRune(payload[i:]); r == utf8.RuneError && size == 1 {
			return fmt.Sprintf("Invalid UTF-8 start byte 0x%x%s", payload[i], at(payload, i+1))
		}
	}
	var v json.RawMessage
	if err := json.Unmarshal(payload, &v); err != nil {
		return err.Error()
	}
	return "unexpected content"
}

// wordAt is the ASCII word that a text begins with.
func wordAt(text []byte) string {
	end := bytes.IndexFunc(text, func(r rune) bool {
		return r != '_' && r != '$' && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
	})
	if end < 0 {
		end = len(text)
	}
	return string(text[:end])
}

// described is a byte as Jackson names a character.
func described(c byte) string {
	if c < ' ' || 0x7f <= c && c <= 0x9f {
		return fmt.Sprintf("(CTRL-CHAR, code %d)", c)
	}
	return fmt.Sprintf("'%c' (code %d)", rune(c), c)
}

// at is the place of a byte as Jackson names it.
func at(payload []byte, i int) string {
	line := 1 + bytes.Count(payload[:i], []byte("\n"))
	column := i - bytes.LastIndexByte(payload[:i], '\n')
	return fmt.Sprintf("\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: %d, column: %d]", line, column)
}
