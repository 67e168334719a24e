package rolekit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// object is a mapping in its order.
type object []member

type member struct {
	name  string
	value any // string, json.Number, bool, nil, object, []any or json.RawMessage
}

// yaml writes o in block style, for parsers of YAML 1.1 and 1.2 alike. Text is always quoted: nothing in it can become another
// type, a tag or an alias. JSON as it is would not do: YAML doesn't join the halves of \ud83d\ude00.
func yaml(o object) (string, error) {
	var w yamlWriter
	if err := w.members(o, 0); err != nil {
		return "", err
	}
	return w.out.String(), nil
}

type yamlWriter struct{ out strings.Builder }

func (w *yamlWriter) members(o object, indent int) error {
	for _, m := range o {
		w.indent(indent)
		w.out.WriteString(yamlName(m.name) + ":")
		if err := w.value(m.value, indent+1); err != nil {
			return err
		}
	}
	return nil
}

// value writes what follows a name's colon or an item's dash.
func (w *yamlWriter) value(v any, indent int) error {
	switch v := v.(type) {
	case json.RawMessage:
		decoded, err := ordered(v)
		if err != nil {
			return err
		}
		return w.value(decoded, indent)
	case object:
		if len(v) == 0 {
			w.out.WriteString(" {}\n")
			return nil
		}
		w.out.WriteByte('\n')
		return w.members(v, indent)
	case []any:
		return w.items(v, indent)
	case string:
		w.out.WriteString(" " + quoteYAML(v) + "\n")
	default: // a number, true, false or null: as in JSON
		w.out.WriteString(" " + compact(v) + "\n")
	}
	return nil
}

func (w *yamlWriter) items(list []any, indent int) error {
	if len(list) == 0 {
		w.out.WriteString(" []\n")
		return nil
	}
	w.out.WriteByte('\n')
	for _, item := range list {
		w.indent(indent)
		w.out.WriteByte('-')
		if err := w.value(item, indent+1); err != nil {
			return err
		}
	}
	return nil
}

func (w *yamlWriter) indent(n int) { w.out.WriteString(strings.Repeat("  ", n)) }

// yamlName writes a name plainly where nothing could take it for anything else.
func yamlName(name string) string {
	plain := name != "" && !strings.ContainsFunc(name, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') })
	words := []string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"} // other types in YAML 1.1
	if plain && !slices.Contains(words, strings.ToLower(name)) {
		return name
	}
	return quoteYAML(name)
}

// quoteYAML writes s, which is UTF-8, in double quotes, in ASCII. (YAML 1.2.2, 5.7 "Escaped Characters")
func quoteYAML(s string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		case r >= ' ' && r < 0x7f:
			out.WriteRune(r)
		case r <= 0xff:
			fmt.Fprintf(&out, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			fmt.Fprintf(&out, `\U%08x`, r)
		}
	}
	out.WriteByte('"')
	return out.String()
}

// ordered decodes JSON, keeping the order of members.
func ordered(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	v, err := next(d)
	if err != nil {
		return nil, fmt.Errorf("read JSON: %w", err)
	}
	return v, nil
}

func next(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		return nextMembers(d)
	case json.Delim('['):
		return nextItems(d)
	case json.Delim('}'), json.Delim(']'):
		return nil, io.ErrUnexpectedEOF
	}
	return token, nil
}

func nextMembers(d *json.Decoder) (any, error) {
	o := object{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		v, err := next(d)
		if err != nil {
			return nil, err
		}
		o = append(o, member{fmt.Sprint(name), v})
	}
	_, err := d.Token()
	return o, err
}

func nextItems(d *json.Decoder) (any, error) {
	list := []any{}
	for d.More() {
		v, err := next(d)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := d.Token()
	return list, err
}
