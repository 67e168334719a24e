package report_test

import (
	"maps"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// leastContrast is what text needs to be read by nearly everybody. (WCAG 2.2, success criterion 1.4.3)
const leastContrast = 4.5

// style is one rule of the stylesheet.
type style struct {
	media, selector string
	values          map[string]string
}

// stylesheet reads page/style.css, which nests nothing but rules in media queries.
func stylesheet(t *testing.T) []style {
	t.Helper()
	text, err := os.ReadFile("page/style.css")
	if err != nil {
		t.Fatal(err)
	}
	var out []style
	media := ""
	for rest := string(text); strings.TrimSpace(rest) != ""; {
		end := strings.IndexAny(rest, "{}")
		if end < 0 {
			t.Fatalf("no rule in %q", rest)
		}
		head := strings.TrimSpace(rest[:end])
		bracket := rest[end]
		rest = rest[end+1:]
		switch {
		case bracket == '}':
			media = ""
		case strings.HasPrefix(head, "@media"):
			media = head
		default:
			body, after, _ := strings.Cut(rest, "}")
			out, rest = append(out, style{media, head, declarations(body)}), after
		}
	}
	return out
}

func declarations(body string) map[string]string {
	out := map[string]string{}
	for each := range strings.SplitSeq(body, ";") {
		if name, value, ok := strings.Cut(each, ":"); ok {
			out[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	return out
}

// themes are the ways in which the page is shown, with the media queries that hold then.
func themes() map[string][]string {
	const dark, print = "@media (prefers-color-scheme: dark)", "@media print"
	return map[string][]string{"light": {""}, "dark": {"", dark}, "printed": {"", print}, "printed while dark": {"", dark, print}}
}

// Every text has enough contrast with what is behind it: a rule's own background, or, where it has none, each of the surfaces.
// Colours are named once, as variables, so that no rule can bring one that isn't looked at.
func TestContrast(t *testing.T) {
	all := stylesheet(t)
	if len(all) < 80 {
		t.Fatalf("%d rules: the stylesheet wasn't read", len(all))
	}
	for name, media := range themes() {
		variables, tones := map[string]string{}, map[string]map[string]string{}
		for _, s := range all {
			if !slices.Contains(media, s.media) {
				continue
			}
			if s.selector == ":root" {
				maps.Copy(variables, s.values)
			}
			if s.values["--back"] != "" {
				tones[s.selector] = s.values
			}
		}
		if len(tones) != 8 {
			t.Fatalf("%d tones", len(tones))
		}
		pairs := 0
		for _, s := range all {
			if slices.Contains(media, s.media) && s.selector != ":root" {
				pairs += checkRule(t, name, s, variables, tones)
			}
		}
		if pairs < 60 {
			t.Errorf("%s: only %d pairs of text and background", name, pairs)
		}
	}
}

func surfaces() []string { return []string{"var(--page)", "var(--card)", "var(--inset)"} }

// checkRule returns how many pairs it looked at.
func checkRule(t *testing.T, theme string, s style, variables map[string]string, tones map[string]map[string]string) int {
	t.Helper()
	for property, value := range s.values {
		if regexp.MustCompile(`#[0-9a-fA-F]{3}|rgb|hsl|color-mix|opacity`).MatchString(property + ":" + value) {
			t.Errorf("%s { %s: %s } brings a colour that has no name", s.selector, property, value)
		}
	}
	text, back := s.values["color"], s.values["background"]
	if text == "inherit" {
		return 0
	}
	backs := []string{back}
	switch {
	case text == "" && back != "" && !slices.Contains(surfaces(), back):
		t.Errorf("%s has a background, and no text of its own to hold against it", s.selector)
		return 0
	case text == "":
		return 0
	case back == "":
		backs = surfaces()
	}
	count := 0
	for _, back := range backs {
		for tone, own := range tones {
			if !strings.Contains(text+back, "--front") && !strings.Contains(text+back, "--back") {
				tone, own = "", nil // the same for all
			}
			count++
			front, behind := resolve(t, text, variables, own), resolve(t, back, variables, own)
			if got := contrast(front, behind); got < leastContrast {
				t.Errorf("%s: %s %s: %s on %s has a contrast of %.2f, want %.1f", theme, s.selector, tone, text, back, got, leastContrast)
			}
			if own == nil {
				break
			}
		}
	}
	return count
}

// resolve follows variables to a colour.
func resolve(t *testing.T, value string, variables, own map[string]string) [3]float64 {
	t.Helper()
	for strings.HasPrefix(value, "var(") {
		name := strings.TrimSuffix(strings.TrimPrefix(value, "var("), ")")
		if value = own[name]; value == "" {
			value = variables[name]
		}
	}
	number, err := strconv.ParseUint(strings.TrimPrefix(value, "#"), 16, 32)
	if err != nil || len(value) != 7 {
		t.Fatalf("%q is no colour", value)
	}
	return [3]float64{float64(number >> 16 & 255), float64(number >> 8 & 255), float64(number & 255)}
}

// contrast is the ratio of relative luminances. (WCAG 2.2, "contrast ratio")
func contrast(a, b [3]float64) float64 {
	lighter, darker := max(luminance(a), luminance(b)), min(luminance(a), luminance(b))
	return (lighter + 0.05) / (darker + 0.05)
}

func luminance(c [3]float64) float64 {
	linear := func(v float64) float64 {
		v /= 255
		if v > 0.04045 {
			return math.Pow((v+0.055)/1.055, 2.4)
		}
		return v / 12.92
	}
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}

func TestContrastIsThatOfTheStandard(t *testing.T) {
	for _, c := range []struct {
		a, b [3]float64
		want float64
	}{
		{[3]float64{0, 0, 0}, [3]float64{255, 255, 255}, 21},
		{[3]float64{255, 255, 255}, [3]float64{255, 255, 255}, 1},
		{[3]float64{118, 118, 118}, [3]float64{255, 255, 255}, 4.54},
	} {
		if got := contrast(c.a, c.b); math.Abs(got-c.want) > 0.01 {
			t.Errorf("contrast(%v, %v) = %.3f, want %.2f", c.a, c.b, got, c.want)
		}
	}
}

// Nothing is wider than a phone by itself, and long words break.
func TestStyleFitsPhones(t *testing.T) {
	breaks := false
	for _, s := range stylesheet(t) {
		breaks = breaks || s.selector == "body" && s.values["overflow-wrap"] == "anywhere"
		for property, value := range s.values {
			for _, m := range regexp.MustCompile(`([0-9.]+)(rem|px)`).FindAllStringSubmatch(value, -1) {
				size, _ := strconv.ParseFloat(m[1], 64)
				if m[2] == "rem" {
					size *= 16
				}
				if strings.Contains(property, "width") && !strings.HasPrefix(property, "max-") && size > 320 {
					t.Errorf("%s { %s: %s } doesn't fit", s.selector, property, value)
				}
				if property == "grid-template-columns" && size > 120 && !strings.Contains(value, "min(") {
					t.Errorf("%s { %s: %s } doesn't fit", s.selector, property, value)
				}
			}
		}
	}
	if !breaks {
		t.Error("long words don't break")
	}
}
