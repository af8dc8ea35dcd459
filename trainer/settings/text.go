package settings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"

	"github.com/BurntSushi/toml"

	"nashprune/trainer/cost"
)

// maxNesting bounds the characters by which TOML nests values, dots among them,
// in the text of a configuration, which nests none. The parser takes time and
// memory by the square of the depth: ten kilobytes of a.a.a would take a gigabyte.
const maxNesting = 256

// checkNesting says whether the text of a configuration may nest values more than so deep.
// It is to come before the text is parsed as TOML. Lines of comments do not count.
func checkNesting(text []byte, most int) error {
	nesting := 0
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte("#")) {
			continue // or the text of a string
		}
		for _, b := range line {
			if b == '.' || b == '[' || b == '{' {
				nesting++
			}
		}
	}
	if nesting > most {
		return fmt.Errorf("it has %d dots and brackets outside comments, and at most %d are read: a configuration is lines such as epochs = 3", nesting, most)
	}
	return nil
}

// Write writes the configuration as TOML, a line a setting.
func (c Config) Write(w io.Writer) error {
	encoder := toml.NewEncoder(w)
	for _, s := range All {
		value := reflect.ValueOf(s.Field(&c)).Elem()
		if s.omit && value.IsZero() {
			continue
		}
		if err := encoder.Encode(map[string]any{s.Name: value.Interface()}); err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	return nil
}

// Value is the value of a setting in a TOML file.
type Value struct {
	*Setting
	Value any // of the kind that the setting takes
}

// Parse reads a TOML file of settings, in the order of their names. Errors name keys that
// are no settings and values of another kind.
func Parse(text []byte) ([]Value, error) {
	if err := checkNesting(text, maxNesting); err != nil {
		return nil, err
	}
	var table map[string]any
	if _, err := toml.Decode(string(text), &table); err != nil {
		return nil, err
	}
	return valuesOf(table)
}

// valuesOf returns the settings of a table of TOML, in the order of their names.
func valuesOf(table map[string]any) ([]Value, error) {
	var values []Value
	for _, name := range slices.Sorted(maps.Keys(table)) {
		v, err := valueOf(name, table[name])
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}

// valueOf returns a setting with a value of TOML, of the kind that it takes.
func valueOf(name string, value any) (Value, error) {
	s := Find(name)
	if s == nil {
		return Value{}, fmt.Errorf("there is no setting %q (nashprune train --help lists them)", name)
	}
	field := s.Field(new(Config))
	if limit, is := field.(*cost.Limit); is {
		if err := limit.Set(fmt.Sprint(value)); err != nil {
			return Value{}, fmt.Errorf("%s is %v: %w", name, value, err)
		}
		return Value{s, value}, nil
	}
	kind := reflect.TypeOf(field).Elem().Kind()
	if !takes(kind, value) {
		return Value{}, fmt.Errorf("%s takes %s", name, kindNames[kind])
	}
	return Value{s, value}, nil
}

// set gives the setting its value.
func (v Value) set(c *Config) {
	if limit, is := v.Field(c).(*cost.Limit); is {
		_ = limit.Set(v.Text()) // which valueOf has tried
		return
	}
	field := reflect.ValueOf(v.Field(c)).Elem()
	field.Set(reflect.ValueOf(v.Value).Convert(field.Type()))
}

// kindNames says what the kinds of settings are, as TOML writes them.
var kindNames = map[reflect.Kind]string{
	reflect.String: "a text in quotes", reflect.Bool: "true or false",
	reflect.Int: "a whole number", reflect.Uint64: "a whole number", reflect.Float64: "a number",
}

// takes reports whether a TOML value is of a kind.
func takes(kind reflect.Kind, value any) bool {
	switch value.(type) {
	case string:
		return kind == reflect.String
	case bool:
		return kind == reflect.Bool
	case int64:
		return kind == reflect.Int || kind == reflect.Uint64 || kind == reflect.Float64
	case float64:
		return kind == reflect.Float64
	}
	return false
}

// Different lists the settings in which two configurations differ.
func Different(a, b Config) []*Setting {
	var different []*Setting
	for _, s := range All {
		if reflect.ValueOf(s.Field(&a)).Elem().Interface() != reflect.ValueOf(s.Field(&b)).Elem().Interface() {
			different = append(different, s)
		}
	}
	return different
}

// Read reads the resolved configuration that a run wrote with [Config.Write]. A setting
// that is missing, since a later program brought it, has its default.
func Read(text []byte) (Config, error) {
	c := Default()
	for _, s := range All {
		if s.omit {
			reflect.ValueOf(s.Field(&c)).Elem().SetZero()
		}
	}
	values, err := Parse(text)
	for _, v := range values {
		v.set(&c)
	}
	return c, err
}

// UnmarshalJSON reads a configuration in a checkpoint. A setting that is missing, since a
// later program brought it, has its default; one that this program does not know is an
// error that names it.
func (c *Config) UnmarshalJSON(text []byte) error {
	type plain Config // without this method
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	read := plain(Default())
	if err := decoder.Decode(&read); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	*c = Config(read)
	return nil
}
