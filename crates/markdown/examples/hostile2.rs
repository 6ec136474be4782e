//! x
use onelastai_markdown::*;
fn main(){
 let cmds: Vec<String> = std::fs::read_to_string("/tmp/cmds.txt").unwrap().lines().map(String::from).collect();
 let glue = ["", " ", "^", "_", "[", "]", "{", "}", "&", "(", "'", "1", "a", "*", "=", "{a}", "{}", "[a]", "\\\\", "$", "é", "%\n", "~", "|", "1em", "{1em}", "{red}", "{matrix}", "{cc|c}", "<", "\\", "\\left", "\\right", "#1", "日"];
 let f = move || {
 let mut s = 12345u64; let mut r = |n: usize| { s = s.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407); ((s>>33) as usize) % n };
 let mut ok=0; let mut total=0;
 // repeats
 for c in &cmds { for g in glue { let unit=format!("\\{c}{g}"); if unit.contains('$') {continue;} let n=4000/unit.len(); for n in [3,n.min(600),590.min(n)] { let t=format!("$${}$$", unit.repeat(n)); let h=render(&t); total+=1; ok+=h.as_str().contains("<math") as usize; } } }
 println!("repeat {total} {ok}");
 for i in 0..150_000 { let n=1+r(if i%50==0 {300} else {14}); let mut t=String::from("$$"); for _ in 0..n { if r(2)==0 { t.push('\\'); t.push_str(&cmds[r(cmds.len())]); } t.push_str(glue[r(glue.len())]); } t.push_str("$$"); let h=render(&t); total+=1; ok+=h.as_str().contains("<math") as usize; }
 println!("random {total} {ok}");
 };
 std::thread::Builder::new().stack_size(512<<10).spawn(f).unwrap().join().unwrap();
}
