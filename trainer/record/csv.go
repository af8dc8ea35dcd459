package record

import (
	"encoding/csv"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// WriteCSV writes a line a row under a header. A row is a struct, whose fields have the names that
// they have in JSON; numbers of a list have a hyphen in between, and what is absent is empty.
func WriteCSV[T any](w io.Writer, rows []T) error {
	header, _ := csvFields(reflect.ValueOf(*new(T)))
	lines := [][]string{header}
	for _, row := range rows {
		_, line := csvFields(reflect.ValueOf(row))
		lines = append(lines, line)
	}
	return csv.NewWriter(w).WriteAll(lines)
}

// csvFields returns names and values of the fields of a struct and of those that it embeds.
func csvFields(v reflect.Value) (names, values []string) {
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		if field.Anonymous {
			embedded, more := csvFields(value)
			names, values = append(names, embedded...), append(values, more...)
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		text := ""
		switch {
		case value.Kind() == reflect.Pointer && !value.IsNil():
			text = fmt.Sprint(value.Elem())
		case value.Kind() == reflect.Slice:
			text = strings.ReplaceAll(strings.Trim(fmt.Sprint(value), "[]"), " ", "-")
		case value.Kind() != reflect.Pointer:
			text = fmt.Sprint(value)
		}
		names, values = append(names, name), append(values, text)
	}
	return names, values
}
