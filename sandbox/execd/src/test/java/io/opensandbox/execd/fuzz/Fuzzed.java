package io.opensandbox.execd.fuzz;

import com.code_intelligence.jazzer.junit.DictionaryFile;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/// Marks a method that gives the daemon bytes which Jazzer makes up. Its corpus is the folder of
/// its name in `src/test/resources/io/opensandbox/execd/fuzz/ExecdFuzzInputs`.
@DictionaryFile(resourcePath = "tokens.dict")
@FuzzTest
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
@interface Fuzzed {}
