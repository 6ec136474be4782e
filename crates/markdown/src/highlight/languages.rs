//! The languages that the lexer knows.

use super::language::{Language, Quote};

/// The language that has `label` as one of its names.
pub(super) fn find(label: &str) -> Option<&'static Language> {
    let known = |language: &&Language| language.labels.split(' ').any(|name| name == label);
    (!label.is_empty())
        .then(|| LANGUAGES.iter().find(known))
        .flatten()
}

/// The first name of each language.
#[cfg(test)]
pub(super) fn labels() -> impl Iterator<Item = &'static str> {
    LANGUAGES
        .iter()
        .filter_map(|language| language.labels.split(' ').next())
}

const fn quote(mark: &'static str, lines: bool) -> Quote {
    Quote {
        open: mark,
        close: mark,
        escapes: true,
        lines,
    }
}

const fn raw(mark: &'static str, lines: bool) -> Quote {
    Quote {
        open: mark,
        close: mark,
        escapes: false,
        lines,
    }
}

const BOTH: &[Quote] = &[quote("\"", false), quote("'", false)];
const DOUBLE: &[Quote] = &[quote("\"", false)];
const LONG: &[Quote] = &[
    quote("\"\"\"", true),
    quote("'''", true),
    quote("\"", false),
    quote("'", false),
];
const SHELL: &[Quote] = &[quote("\"", true), raw("'", true)];
const TICKS: &[Quote] = &[quote("`", true), quote("\"", false), quote("'", false)];
const SQL: &[Quote] = &[raw("'", true), raw("\"", false), raw("`", false)];

/// Comments, strings and types as in C.
const C_LIKE: Language = Language {
    labels: "",
    line_comments: &["//"],
    block_comment: Some(("/*", "*/")),
    quotes: BOTH,
    keywords: "",
    types: "",
    constants: "true false null",
    variables: "this self super",
    any_case: false,
    word_chars: "",
    sigils: "",
    keys: None,
    string_keys: false,
    decorators: false,
    symbols: false,
    preprocessor: false,
    capital_types: true,
    rust: false,
};

/// Comments from `#` on, as in scripts and settings.
const SCRIPT: Language = Language {
    line_comments: &["#"],
    block_comment: None,
    ..C_LIKE
};

const C_KEYWORDS: &str = "auto break case const continue default do else enum extern for goto if inline register restrict return sizeof static struct switch typedef union volatile while _Atomic _Generic _Noreturn _Static_assert";
const C_TYPES: &str = "void char short int long float double signed unsigned bool size_t ssize_t int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t wchar_t FILE";

static LANGUAGES: &[Language] = &[
    Language {
        labels: "rust rs",
        quotes: &[quote("\"", true)],
        keywords: "as async await break const continue crate dyn else enum extern fn for if impl in let loop match mod move mut pub ref return static struct super trait type unsafe use where while yield union",
        types: "bool char str u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64",
        constants: "true false",
        variables: "self",
        rust: true,
        ..C_LIKE
    },
    Language {
        labels: "python py python3 pyi gyp starlark bzl",
        quotes: LONG,
        keywords: "and as assert async await break case class continue def del elif else except finally for from global if import in is lambda match nonlocal not or pass raise return try while with yield",
        types: "int float str bytes bool list dict set tuple object",
        constants: "True False None NotImplemented Ellipsis",
        variables: "self cls",
        decorators: true,
        ..SCRIPT
    },
    Language {
        labels: "javascript js jsx mjs cjs typescript ts tsx mts node",
        quotes: TICKS,
        keywords: "abstract as async await break case catch class const continue debugger declare default delete do else enum export extends finally for from function get if implements import in infer instanceof interface is keyof let namespace new of private protected public readonly return satisfies set static switch throw try type typeof var void while with yield",
        types: "any bigint boolean never number object string symbol unknown",
        constants: "true false null undefined NaN Infinity",
        word_chars: "$",
        decorators: true,
        ..C_LIKE
    },
    Language {
        labels: "json jsonc json5 jsonl geojson ipynb",
        string_keys: true,
        capital_types: false,
        ..C_LIKE
    },
    Language {
        labels: "bash sh shell zsh fish console shellsession ksh",
        quotes: SHELL,
        keywords: "if then else elif fi case esac for while until do done in function select time return exit break continue local export readonly declare unset source alias set shift trap exec eval",
        constants: "true false",
        variables: "",
        word_chars: "-",
        sigils: "$",
        capital_types: false,
        ..SCRIPT
    },
    Language {
        labels: "powershell ps1 pwsh",
        block_comment: Some(("<#", "#>")),
        keywords: "begin break catch class continue data do dynamicparam else elseif end enum exit filter finally for foreach from function if in param process return switch throw trap try until using while",
        any_case: true,
        word_chars: "-",
        sigils: "$",
        capital_types: false,
        ..SCRIPT
    },
    Language {
        labels: "sql postgresql postgres psql mysql sqlite plsql tsql",
        line_comments: &["--"],
        quotes: SQL,
        keywords: "add all alter and any as asc begin between by cascade case check column commit constraint create cross database default delete desc distinct drop else end except exists explain for foreign from full function grant group having if in index inner insert intersect into is join key left like limit materialized not offset on or order outer over partition primary procedure references returning revoke right rollback row rows select sequence set table then to transaction trigger truncate union unique update using values view when where window with",
        types: "bigint bigserial binary blob boolean bytea char date datetime decimal double float int integer interval json jsonb numeric real serial smallint text time timestamp timestamptz uuid varchar",
        constants: "true false null",
        variables: "",
        any_case: true,
        capital_types: false,
        ..C_LIKE
    },
    Language {
        labels: "c h",
        keywords: C_KEYWORDS,
        types: C_TYPES,
        constants: "true false NULL nullptr",
        preprocessor: true,
        ..C_LIKE
    },
    Language {
        labels: "cpp c++ cc cxx hpp hxx cuda arduino ino glsl hlsl objc objective-c m mm",
        keywords: "alignas alignof and asm auto break case catch class concept const consteval constexpr constinit const_cast continue co_await co_return co_yield decltype default delete do dynamic_cast else enum explicit export extern final for friend goto if inline mutable namespace new noexcept not operator or override private protected public register reinterpret_cast requires return sizeof static static_assert static_cast struct switch template thread_local throw try typedef typeid typename union using virtual volatile while",
        types: C_TYPES,
        constants: "true false NULL nullptr nil YES NO",
        decorators: true,
        preprocessor: true,
        ..C_LIKE
    },
    Language {
        labels: "csharp cs c#",
        keywords: "abstract as async await base break case catch checked class const continue default delegate do else enum event explicit extern finally fixed for foreach get goto if implicit in init interface internal is lock namespace new operator out override params partial private protected public readonly record ref required return sealed set sizeof stackalloc static struct switch throw try typeof unchecked unsafe using var virtual void volatile when where while with yield",
        types: "bool byte char decimal double dynamic float int long nint object sbyte short string uint ulong ushort",
        preprocessor: true,
        ..C_LIKE
    },
    Language {
        labels: "java groovy gradle",
        quotes: &[quote("\"\"\"", true), quote("\"", false), quote("'", false)],
        keywords: "abstract assert break case catch class continue def default do else enum extends final finally for if implements import in instanceof interface native new package permits private protected public record return sealed static strictfp switch synchronized throw throws transient try var volatile while yield",
        types: "boolean byte char double float int long short void",
        decorators: true,
        ..C_LIKE
    },
    Language {
        labels: "kotlin kt kts scala sc",
        quotes: &[quote("\"\"\"", true), quote("\"", false), quote("'", false)],
        keywords: "abstract actual annotation as break by case catch class companion const constructor continue crossinline data def do else enum expect extends extension final finally for fun given if implicit import in infix init inline inner interface internal is lateinit lazy match new object open operator out override package private protected public reified return sealed suspend tailrec then throw trait try type typealias using val var vararg when where while with yield",
        decorators: true,
        ..C_LIKE
    },
    Language {
        labels: "swift",
        quotes: &[quote("\"\"\"", true), quote("\"", false)],
        keywords: "actor any as associatedtype async await break case catch class continue convenience default defer deinit do else enum extension fallthrough fileprivate final for func get guard if import in indirect infix init inout internal is lazy let mutating nonisolated open operator optional override private protocol public repeat required rethrows return set some static struct subscript switch throw throws try typealias unowned var weak where while",
        constants: "true false nil",
        variables: "self super",
        decorators: true,
        ..C_LIKE
    },
    Language {
        labels: "go golang",
        quotes: &[raw("`", true), quote("\"", false), quote("'", false)],
        keywords: "break case chan const continue default defer else fallthrough for func go goto if import interface map package range return select struct switch type var",
        types: "any bool byte complex64 complex128 error float32 float64 int int8 int16 int32 int64 rune string uint uint8 uint16 uint32 uint64 uintptr",
        constants: "true false nil iota",
        variables: "",
        capital_types: false,
        ..C_LIKE
    },
    Language {
        labels: "dart",
        quotes: LONG,
        keywords: "abstract as assert async await base break case catch class const continue default deferred do dynamic else enum export extends extension external factory final finally for get if implements import in interface is late library mixin new on operator part required rethrow return sealed set show static switch sync throw try typedef var void when while with yield",
        types: "bool double int num",
        decorators: true,
        ..C_LIKE
    },
    Language {
        labels: "zig",
        block_comment: None,
        keywords: "align allowzero and anyframe anytype asm async await break callconv catch comptime const continue defer else enum errdefer error export extern fn for if inline linksection noalias noinline nosuspend opaque or orelse packed pub resume return struct suspend switch test threadlocal try union unreachable usingnamespace var volatile while",
        types: "bool f16 f32 f64 i8 i16 i32 i64 isize type u8 u16 u32 u64 usize void noreturn anyerror",
        constants: "true false null undefined",
        decorators: true,
        ..C_LIKE
    },
    Language {
        labels: "php",
        line_comments: &["//", "#"],
        keywords: "abstract and array as break callable case catch class clone const continue declare default do echo else elseif empty enum extends final finally fn for foreach function global goto if implements include include_once instanceof insteadof interface isset list match namespace new or print private protected public readonly require require_once return static switch throw trait try unset use var while xor yield",
        types: "bool float int iterable mixed never object string void",
        any_case: true,
        sigils: "$",
        ..C_LIKE
    },
    Language {
        labels: "ruby rb elixir ex exs crystal cr",
        quotes: LONG,
        keywords: "BEGIN END after alias and begin break case catch class cond def defimpl defined? defmacro defmodule defp defprotocol defstruct do else elsif end ensure fn for if import in module next not or raise redo require require_relative rescue retry return receive then try undef unless until use when while with yield",
        constants: "true false nil",
        word_chars: "?",
        sigils: "@",
        symbols: true,
        ..SCRIPT
    },
    Language {
        labels: "perl pl pm",
        quotes: SHELL,
        keywords: "and chomp cmp die do each else elsif eq exit for foreach ge given gt if keys last le local lt map my ne next no not open or our package print printf push redo ref require return say shift sort split sub undef unless until use values when while",
        constants: "undef",
        sigils: "$@%",
        ..SCRIPT
    },
    Language {
        labels: "lua luau",
        line_comments: &["--"],
        block_comment: Some(("--[[", "]]")),
        keywords: "and break do else elseif end for function goto if in local not or repeat return then until while",
        constants: "true false nil",
        capital_types: false,
        ..C_LIKE
    },
    Language {
        labels: "r julia jl octave matlab",
        quotes: &[quote("\"\"\"", true), quote("\"", false), quote("'", false)],
        keywords: "abstract baremodule begin break catch const continue do else elseif end export finally for function global if import in isa let library local macro module mutable next primitive quote repeat return struct switch try type using where while",
        constants: "true false TRUE FALSE NULL NA NaN Inf nothing missing",
        variables: "",
        decorators: true,
        ..SCRIPT
    },
    Language {
        labels: "haskell hs ocaml ml elm fsharp fs",
        line_comments: &["--", "//"],
        block_comment: Some(("{-", "-}")),
        quotes: DOUBLE,
        keywords: "as case class data default deriving do else forall foreign fun function if import in infix infixl infixr instance let match module mutable newtype of open qualified rec then try type val when where with",
        word_chars: "'",
        variables: "",
        ..C_LIKE
    },
    Language {
        labels: "clojure clj lisp scheme racket elisp",
        line_comments: &[";"],
        block_comment: None,
        quotes: &[quote("\"", true)],
        keywords: "cond def defmacro defn defun define do fn if in-ns lambda let let* loop ns quote recur require set! setq when",
        constants: "true false nil t",
        word_chars: "-?!*",
        symbols: true,
        capital_types: false,
        ..C_LIKE
    },
    Language {
        labels: "yaml yml",
        keywords: "",
        constants: "true false null yes no on off",
        variables: "",
        word_chars: "-",
        keys: Some(':'),
        string_keys: true,
        capital_types: false,
        ..SCRIPT
    },
    Language {
        labels: "toml ini cfg conf dotenv env properties editorconfig",
        line_comments: &["#", ";"],
        quotes: LONG,
        constants: "true false",
        variables: "",
        word_chars: "-",
        keys: Some('='),
        capital_types: false,
        ..SCRIPT
    },
    Language {
        labels: "dockerfile docker containerfile",
        quotes: SHELL,
        keywords: "ADD ARG AS CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR",
        variables: "",
        word_chars: "-",
        sigils: "$",
        capital_types: false,
        ..SCRIPT
    },
    Language {
        labels: "makefile make mk just justfile",
        keywords: "define else endef endif export ifdef ifeq ifndef ifneq include override set",
        variables: "",
        word_chars: "-",
        sigils: "$",
        keys: Some(':'),
        capital_types: false,
        ..SCRIPT
    },
    Language {
        labels: "hcl terraform tf nix nginx",
        quotes: &[quote("\"", true), quote("'", false)],
        block_comment: Some(("/*", "*/")),
        keywords: "assert data else for if import in inherit let locals location module output provider rec resource server terraform then upstream variable with",
        variables: "",
        word_chars: "-",
        sigils: "$",
        capital_types: false,
        ..SCRIPT
    },
    Language {
        labels: "graphql gql protobuf proto",
        line_comments: &["//", "#"],
        keywords: "directive enum extend fragment implements import input interface message mutation on oneof option optional package query repeated reserved returns rpc scalar schema service subscription syntax type union",
        types: "bool bytes double float int32 int64 string uint32 uint64 Boolean Float ID Int String",
        sigils: "$",
        decorators: true,
        ..C_LIKE
    },
];
